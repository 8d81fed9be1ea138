import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { BUN, startProgram } from "../../support/programs/process.ts";
import { smallExport } from "../../support/sources/dcgm-export.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

async function run(program: "ingest" | "export", store: string, ...args: string[]) {
  const env = { SQLITE_PATH: join(folder.path, store) };
  await using started = startProgram([BUN, `services/all-in-one/${program}.ts`, ...args], env);
  return { status: await started.exited, ...started.output };
}

async function answersOf(store: string) {
  const path = join(folder.path, store);
  const parts = { clock: systemClock, log: silentLogger };
  await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
  const { gpus } = await repository.gpus({ limit: 10_000 });
  const uuids = gpus.map(({ uuid }) => uuid);
  const window = { from: 0, to: Number.POSITIVE_INFINITY };
  return {
    gpus,
    hosts: await repository.hosts(),
    readings: await repository.pages(uuids, window, { limit: 10_000, max: 1e7, withHolders: true }),
    holds: await repository.holds(uuids, window, { max: 1e6 }),
  };
}

describe("bun run export", () => {
  test("writes a file that ingest reads back without loss", async () => {
    const csv = await smallExport(folder.path);
    expect(await run("ingest", "first.sqlite", csv.path)).toMatchObject({ status: 0 });
    const file = join(folder.path, "out.csv.zst");
    const exported = await run("export", "first.sqlite", file);
    expect(exported).toMatchObject({ status: 0 });
    expect(exported.stdout).toContain(`Exported ${csv.readings.toLocaleString("en-US")} readings in `);
    expect(existsSync(`${file}.part`)).toBe(false);
    const lines = zstdDecompressSync(await readFile(file))
      .toString()
      .split("\r\n");
    expect(lines.length).toBe(csv.readings + 2);

    const again = await run("ingest", "second.sqlite", file);
    expect(again.stdout).toMatch(/^Skipped +0 rows$/m);
    expect(again.status).toBe(0);
    expect(await answersOf("second.sqlite")).toEqual(await answersOf("first.sqlite"));
  });

  test("passes the filters of the API on, and writes NDJSON", async () => {
    const csv = await smallExport(folder.path);
    expect(await run("ingest", "filtered.sqlite", csv.path)).toMatchObject({ status: 0 });
    const file = join(folder.path, "util.ndjson.gz");
    const exported = await run("export", "filtered.sqlite", file, "--metric", "gpu_util");
    expect(exported.status).toBe(0);
    const rows = gunzipSync(await readFile(file))
      .toString()
      .trim()
      .split("\n");
    expect(new Set(rows.map((row) => JSON.parse(row).metric_name))).toEqual(new Set(["DCGM_FI_DEV_GPU_UTIL"]));
  });

  test("explains bad arguments, unknown names and a store that is not there, and writes nothing", async () => {
    const file = join(folder.path, "none.csv");
    expect(await run("export", "x.sqlite", "--nope", "1")).toMatchObject({ status: 2 });
    expect((await run("export", "x.sqlite", "out.parquet")).stderr).toMatch(/FILE must end in .csv or .ndjson/);
    const absent = await run("export", "absent.sqlite", file);
    expect([absent.status, absent.stderr]).toEqual([1, expect.stringContaining("does not exist")]);
    expect(existsSync(join(folder.path, "absent.sqlite"))).toBe(false);
    const csv = await smallExport(folder.path);
    expect(await run("ingest", "names.sqlite", csv.path)).toMatchObject({ status: 0 });
    const unknown = await run("export", "names.sqlite", file, "--metric", "gpu_utli");
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining("nearest: DCGM_FI_DEV_GPU_UTIL")]);
    expect(existsSync(file)).toBe(false);
  });
});
