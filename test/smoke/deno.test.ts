/** The same sources under Deno: the same answers to the same questions. */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { onePass, sourceEnded, startAllInOne } from "../support/all-in-one.ts";
import { answersOf } from "../support/answers.ts";
import { smallExport } from "../support/dcgm-export.ts";
import { addressOf } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

test("all-in-one gives the same answers on Bun and on Deno", async () => {
  const csv = await smallExport(folder.path);
  const [uuid = ""] = csv.expected.keys();
  const given: Record<string, unknown> = {};
  for (const runtime of ["bun", "deno"] as const) {
    await using program = startAllInOne(onePass(csv.path, join(folder.path, `${runtime}.sqlite`)), runtime);
    const address = await addressOf(program);
    await sourceEnded(program);
    given[runtime] = await answersOf(address, uuid);
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  }
  expect(given.deno).toEqual(given.bun);
}, 60_000);
