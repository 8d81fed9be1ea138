import { afterAll, describe, expect, test } from "bun:test";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { differences, onePass, sourceEnded, startAllInOne, storedReadings } from "../../support/programs/all-in-one.ts";
import { addressOf, BUN, type Program, startProgram } from "../../support/programs/process.ts";
import { largeExport, smallExport } from "../../support/sources/dcgm-export.ts";
import { eventually } from "../../support/time/eventually.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

const startIngest = (store: string, args: readonly string[], env: Record<string, string> = {}): Program =>
  startProgram([BUN, "services/all-in-one/ingest.ts", ...args], { SQLITE_PATH: join(folder.path, store), ...env });

async function ingest(store: string, ...args: string[]) {
  await using program = startIngest(store, args);
  return { status: await program.exited, ...program.output };
}

async function stored(store: string, csv: string) {
  await using program = startAllInOne(onePass(csv, join(folder.path, store)));
  const address = await addressOf(program);
  await sourceEnded(program);
  return await storedReadings(address);
}

describe("bun run ingest", () => {
  test("imports a file, says what it took in, and knows it the second time", async () => {
    const csv = await smallExport(folder.path);
    const first = await ingest("whole.sqlite", csv.path);
    expect(first).toMatchObject({ status: 0 });
    expect(first.stdout).toMatch(new RegExp(`^Read +${csv.readings.toLocaleString("en-US")} readings in `));
    expect(first.stdout).toMatch(/^Of +247 GPUs, \d+ metrics$/m);
    expect(first.stdout).toMatch(/^Skipped +0 rows$/m);
    expect(differences(await stored("whole.sqlite", csv.path), csv.expected)).toEqual([]);

    const second = await ingest("whole.sqlite", csv.path);
    expect(second).toMatchObject({ status: 0 });
    expect(second.stdout).toMatch(/^Read +0 readings/);
    expect(second.stdout).toMatch(/^Unchanged +all of it was read to its end before$/m);
  });

  test("counts a copy of a file as duplicates and stores nothing twice", async () => {
    const csv = await smallExport(folder.path);
    const copy = join(folder.path, "copy.csv");
    await writeFile(copy, await readFile(csv.path));
    const { status, stdout } = await ingest("copies.sqlite", csv.path, copy);
    expect(status).toBe(0);
    const count = csv.readings.toLocaleString("en-US");
    expect(stdout).toMatch(new RegExp(`^Stored +${count} new readings, ${count} duplicates$`, "m"));
    expect(differences(await stored("copies.sqlite", csv.path), csv.expected)).toEqual([]);
  });

  test("keeps the good rows around bad ones and tells those by reason", async () => {
    const csv = await smallExport(folder.path);
    const lines = (await readFile(csv.path, "utf8")).split("\n");
    const bad = join(folder.path, "bad.csv");
    const spoiled = [
      lines[0],
      lines[1],
      lines[2]?.replace(/"GPU-/, '"gpu-'),
      lines[3]?.replace(/","[^"]*","DCGM_FI_DRIVER/, '","N/A","DCGM_FI_DRIVER'),
      "one,field,short",
      lines[4],
    ];
    await writeFile(bad, `${spoiled.join("\n")}\n`);
    const { status, stdout } = await ingest("bad.sqlite", bad);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Read +2 readings/);
    expect(stdout).toMatch(/^Skipped +3 rows, /m);
    for (const reason of ["1 uuid", "1 fields"]) expect(stdout).toContain(reason);
  });

  test("imports the good files beside one it cannot read, and fails", async () => {
    const csv = await smallExport(folder.path);
    const other = join(folder.path, "other.csv");
    await writeFile(other, "time,watts\n1,2\n");
    const { status, stdout } = await ingest("mixed.sqlite", other, csv.path);
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`^Read +${csv.readings.toLocaleString("en-US")} readings`));
    expect(stdout).toMatch(/^Failed .*other\.csv.*time,watts/m);
  });

  test.each([
    { name: "a path that does not exist", args: ["/nowhere/metrics.csv"], status: 1, says: "/nowhere/metrics.csv" },
    { name: "no file at all", args: [], status: 2, says: "Usage: bun run ingest" },
    { name: "an option it does not know", args: ["--fast", "a.csv"], status: 2, says: "--fast" },
  ])("ends with $status for $name", async ({ args, status, says }) => {
    const outcome = await ingest("never.sqlite", ...args);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr + outcome.stdout).toContain(says);
  });

  test("interrupted by Ctrl-C leaves a store that a second run completes", async () => {
    const csv = await largeExport(folder.path);
    await using program = startIngest("half.sqlite", [csv.path], { BATCH_SIZE: "200" });
    const log = join(folder.path, "half.sqlite-wal");
    const isGrowing = async () => ((await stat(log).catch(() => undefined))?.size ?? 0) > 200_000;
    await eventually(isGrowing, { what: "first batches in the store" });
    program.kill("SIGINT");
    const status = await program.exited;
    expect({ status, ...program.output }).toMatchObject({ status: 130 });
    expect(program.output.stdout).toContain("Interrupted");
    const second = await ingest("half.sqlite", csv.path);
    expect(second).toMatchObject({ status: 0 });
    expect(second.stdout).toMatch(/, 0 duplicates/);
    expect(differences(await stored("half.sqlite", csv.path), csv.expected)).toEqual([]);
  }, 60_000);
});
