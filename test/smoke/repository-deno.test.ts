/** One SQLite file, two runtimes: each fills one and reads the other's, and all answers are the same. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { onRuntime, startProgram } from "../support/process.ts";
import { repositoryAnswers } from "../support/repository-answers.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function answersOnDeno(path: string): Promise<string> {
  await using program = startProgram(onRuntime("deno", "test/support/repository-answers.ts", path));
  const code = await program.exited;
  if (code !== 0) throw new Error(`Deno ended with ${code}: ${program.output.stderr}`);
  return program.output.stdout.trimEnd();
}

test("SQLite store filled by Deno answers as one filled by Bun, read by either", async () => {
  await using folder = await temporaryFolder();
  const ofBun = join(folder.path, "bun.sqlite");
  const ofDeno = join(folder.path, "deno.sqlite");
  const expected = await repositoryAnswers(ofBun);
  expect(JSON.parse(expected).all.readings.length).toBeGreaterThan(100);
  expect(await answersOnDeno(ofDeno)).toBe(expected);
  expect(await answersOnDeno(ofBun)).toBe(expected);
  expect(await repositoryAnswers(ofDeno)).toBe(expected);
}, 60_000);
