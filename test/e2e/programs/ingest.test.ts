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
  test("imports a file with a summary, and recognizes it the second time", async () => {
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
    expect(second.stdout).toMatch(/^Unchanged +everything was read in an earlier run$/m);
  });

  test("counts the readings of a copied file as duplicates", async () => {
    const csv = await smallExport(folder.path);
    const copy = join(folder.path, "copy.csv");
    await writeFile(copy, await readFile(csv.path));
    const { status, stdout } = await ingest("copies.sqlite", csv.path, copy);
    expect(status).toBe(0);
    const count = csv.readings.toLocaleString("en-US");
    expect(stdout).toMatch(new RegExp(`^Stored +${count} new readings, ${count} duplicates$`, "m"));
    expect(differences(await stored("copies.sqlite", csv.path), csv.expected)).toEqual([]);
  });

  test("imports the rows around bad ones, and explains those with file, line and value", async () => {
    const csv = await smallExport(folder.path);
    const lines = (await readFile(csv.path, "utf8")).split("\n");
    const bad = join(folder.path, "bad.csv");
    const spoiled = [
      lines[0],
      lines[1],
      lines[2]?.replace(/"GPU-/, '"XPU-'),
      lines[3]?.replace(/","[^"]*","DCGM_FI_DRIVER/, '","N/A","DCGM_FI_DRIVER'),
      "one,field,short",
      lines[4],
    ];
    await writeFile(bad, `${spoiled.join("\n")}\n`);
    const { status, stdout } = await ingest("bad.sqlite", bad);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Read +2 readings/);
    expect(stdout).toMatch(/^Skipped +3 rows, /m);
    for (const reason of ["1 uuid", "1 fields", "1 blank"]) expect(stdout).toContain(reason);
    for (const [reason, line, found] of [
      ["uuid", 3, '"XPU-'],
      ["blank", 4, '"N/A"'],
      ["fields", 5, "3"],
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {11}${reason}: ${bad} line ${line}: .*${found}`, "m"));
    }
  });

  test("explains why every row of a file was skipped, and fails", async () => {
    const none = join(folder.path, "none.csv");
    const csv = await smallExport(folder.path);
    const [header = "", ...lines] = (await readFile(csv.path, "utf8")).trimEnd().split("\n");
    const rows = lines.slice(0, 1000).map((line) => line.replace(/"GPU-/, '"XPU-'));
    await writeFile(none, `${[header, ...rows].join("\n")}\n`);
    const { status, stdout, stderr } = await ingest("none.sqlite", none);
    expect(status).toBe(1);
    expect(stderr).toContain("none of its 1000 rows can be read");
    expect(stdout).toMatch(/^Read +0 readings/);
    expect(stdout).toMatch(/^Skipped +1,000 rows, 1,000 uuid$/m);
    expect(stdout.match(/^ {11}uuid: .*none\.csv line [234]: .*XPU-/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^ {11}uuid: 997 more$/m);
    expect(stdout).toMatch(/^ {11}uuid: to mend: export the label UUID/m);
    expect(stdout).toMatch(/^Failed +.*none\.csv: .*found separator ",", encoding UTF-8, first time /m);
  });

  test("--dry-run reads everything and stores nothing; --json prints the summary as one object", async () => {
    const csv = await smallExport(folder.path);
    const { status, stdout, stderr } = await ingest("dry.sqlite", "--dry-run", "--json", csv.path);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ readings: csv.readings, stored: null, skipped: [], unreadable: false });
    expect(await stat(join(folder.path, "dry.sqlite")).catch(() => "absent")).toBe("absent");
    const text = await ingest("dry.sqlite", "--dry-run", csv.path);
    expect(text.stdout).toMatch(/^Stored +nothing, this was a dry run/m);
  });

  test("cuts batches of BATCH_SIZE readings", async () => {
    const csv = await smallExport(folder.path);
    const batches = async (store: string, env: Record<string, string>) => {
      await using program = startIngest(store, [csv.path], { LOG_LEVEL: "info", LOG_FORMAT: "json", ...env });
      expect(await program.exited).toBe(0);
      const lines = program.output.stderr.split("\n").filter((line) => line.startsWith("{"));
      return lines.map((line) => JSON.parse(line)).find(({ message }) => message === "pass complete").batches;
    };
    expect(await batches("default-size.sqlite", {})).toBe(1);
    expect(await batches("batch-size.sqlite", { BATCH_SIZE: "100" })).toBeGreaterThanOrEqual(csv.readings / 100);
  });

  test("imports the readable files of several, and fails", async () => {
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
    { name: "no file at all", args: [], status: 2, says: "Usage: npx -y bun run ingest" },
    {
      name: "--help among other arguments",
      args: ["a.csv", "--help"],
      status: 0,
      says: "Usage: npx -y bun run ingest",
    },
    { name: "a mistyped option", args: ["--dryrun", "a.csv"], status: 2, says: "did you mean --dry-run?" },
    { name: "an unknown option", args: ["--fast", "a.csv"], status: 2, says: "--fast" },
  ])("ends with $status for $name", async ({ args, status, says }) => {
    const outcome = await ingest("never.sqlite", ...args);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr + outcome.stdout).toContain(says);
  });

  test("continues an import interrupted by Ctrl-C", async () => {
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
