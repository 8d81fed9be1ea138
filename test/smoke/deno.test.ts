/** All-in-one on Bun and on Deno gives the recorded answers to thirty questions. */
import { afterAll, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { type Answers, answersAboutSample, RECORDED } from "../support/api/answers.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

for (const runtime of ["bun", "deno"] as const) {
  test(`all-in-one on ${runtime} gives the recorded answers: bun test/support/api/answers.ts`, async () => {
    const recorded = JSON.parse(await readFile(RECORDED, "utf8")) as Answers;
    expect(Object.keys(recorded)).toHaveLength(30);
    expect(await answersAboutSample(folder.path, runtime)).toEqual(recorded);
  }, 120_000);
}
