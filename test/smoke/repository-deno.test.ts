/** Bun and Deno each fill a store and read both: all answers must be equal. */
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
  if (code !== 0) throw new Error(`Deno exited with ${code}: ${program.output.stderr}`);
  return program.output.stdout.trimEnd();
}

async function compareRuntimes(ofBun: RepositoryConfig, ofDeno: RepositoryConfig): Promise<void> {
  const expected = await repositoryAnswers(ofBun);
  expect(JSON.parse(expected).all.readings.length).toBeGreaterThan(100);
  expect(await answersOnDeno(ofDeno)).toBe(expected);
  expect(await answersOnDeno(ofBun)).toBe(expected);
  expect(await repositoryAnswers(ofDeno)).toBe(expected);
}

test("SQLite stores filled by Bun and by Deno give equal answers on both", async () => {
  await using folder = await temporaryFolder();
  const storeIn = (name: string) => ({ kind: "sqlite", path: join(folder.path, name), retentionMs: 0 }) as const;
  await compareRuntimes(storeIn("bun.sqlite"), storeIn("deno.sqlite"));
}, 120_000);

test.skipIf(mongo === null)(
  "MongoDB stores filled by Bun and by Deno give equal answers on both",
  async () => {
    await using bun = openDatabase(mongo?.uri ?? "");
    await using deno = openDatabase(mongo?.uri ?? "");
    await compareRuntimes(bun.config, deno.config);
  },
  120_000,
);
