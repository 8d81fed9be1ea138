/** One store, two runtimes: each fills one and reads the other's, and all answers are the same. */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { RepositoryConfig } from "../../services/repository/open.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { onRuntime, startProgram } from "../support/programs/process.ts";
import { openDatabase } from "../support/repository/mongo-store.ts";
import { repositoryAnswers } from "../support/repository/repository-answers.ts";
import { requireMongo } from "../support/servers/mongo-server.ts";

const mongo = await requireMongo("MongoDB repository under Deno");
afterAll(async () => mongo?.[Symbol.asyncDispose]());

async function answersOnDeno(store: RepositoryConfig): Promise<string> {
  await using program = startProgram(
    onRuntime("deno", "test/support/repository/repository-answers.ts", JSON.stringify(store)),
  );
  const code = await program.exited;
  if (code !== 0) throw new Error(`Deno ended with ${code}: ${program.output.stderr}`);
  return program.output.stdout.trimEnd();
}

async function compareRuntimes(ofBun: RepositoryConfig, ofDeno: RepositoryConfig): Promise<void> {
  const expected = await repositoryAnswers(ofBun);
  expect(JSON.parse(expected).all.readings.length).toBeGreaterThan(100);
  expect(await answersOnDeno(ofDeno)).toBe(expected);
  expect(await answersOnDeno(ofBun)).toBe(expected);
  expect(await repositoryAnswers(ofDeno)).toBe(expected);
}

test("SQLite store filled by Deno answers as one filled by Bun, read by either", async () => {
  await using folder = await temporaryFolder();
  const storeIn = (name: string) => ({ kind: "sqlite", path: join(folder.path, name), retentionMs: 0 }) as const;
  await compareRuntimes(storeIn("bun.sqlite"), storeIn("deno.sqlite"));
}, 60_000);

test.skipIf(mongo === null)(
  "MongoDB store filled by Deno answers as one filled by Bun, read by either",
  async () => {
    await using bun = openDatabase(mongo?.uri ?? "");
    await using deno = openDatabase(mongo?.uri ?? "");
    await compareRuntimes(bun.config, deno.config);
  },
  60_000,
);
