/** One SQLite file, two runtimes: each fills one and reads the other's, and all answers are the same. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { onRuntime, startProgram } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function answers(runtime: "bun" | "deno", path: string): Promise<string> {
  await using program = startProgram(onRuntime(runtime, "test/support/repository-answers.ts", path));
  const code = await program.exited;
  if (code !== 0) throw new Error(`${runtime} ended with ${code}: ${program.output.stderr}`);
  return program.output.stdout;
}

test("SQLite store filled by Deno answers as one filled by Bun, read by either", async () => {
  await using folder = await temporaryFolder();
  const ofBun = join(folder.path, "bun.sqlite");
  const ofDeno = join(folder.path, "deno.sqlite");
  const expected = await answers("bun", ofBun);
  expect(JSON.parse(expected).all.readings.length).toBeGreaterThan(100);
  expect(await answers("deno", ofDeno)).toBe(expected);
  expect(await answers("deno", ofBun)).toBe(expected);
  expect(await answers("bun", ofDeno)).toBe(expected);
}, 60_000);
