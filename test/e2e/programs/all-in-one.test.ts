import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openContract } from "../../support/api/contract.ts";
import { openEvents } from "../../support/api/sse.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import {
  ask,
  differences,
  type GpuList,
  onePass,
  sourceEnded,
  startAllInOne,
  storedReadings,
  type TelemetryPage,
} from "../../support/programs/all-in-one.ts";
import { addressOf } from "../../support/programs/process.ts";
import { type DcgmExport, smallExport } from "../../support/sources/dcgm-export.ts";
import { eventually } from "../../support/time/eventually.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

describe("all-in-one over an export of 247 GPUs", () => {
  let csv: DcgmExport;
  const store = join(folder.path, "export.sqlite");
  beforeAll(async () => {
    csv = await smallExport(folder.path);
  });

  test("stores every reading of the file once, with its value and time, even after a second run", async () => {
    expect(csv.expected.size).toBe(247);
    for (const run of ["first", "second"]) {
      await using program = startAllInOne(onePass(csv.path, store));
      const address = await addressOf(program);
      await sourceEnded(program);
      const stored = await storedReadings(address);
      expect({ run, differences: differences(stored, csv.expected) }).toEqual({ run, differences: [] });
      program.kill("SIGTERM");
      expect(await program.exited).toBe(0);
      expect(program.output.stdout.trimEnd().split("\n").at(-1)).toContain(
        "stopped: everything that was read is stored",
      );
    }
  });

  test("answers in accordance with its openapi.json", async () => {
    await using program = startAllInOne(onePass(csv.path, store));
    const address = await addressOf(program);
    const contract = await openContract(address);
    const { gpus } = await ask<GpuList>(`${address}/api/v1/gpus?limit=2`);
    const uuid = gpus[0]?.uuid;
    for (const path of [
      "/api/v1/gpus",
      `/api/v1/gpus/${uuid}`,
      `/api/v1/gpus/${uuid}/telemetry?limit=5`,
      "/api/v1/gpus?limit=0",
      "/api/v1/gpus/GPU-00000000-0000-0000-0000-000000000000",
      "/api/v1/gpus/nonsense/telemetry",
    ]) {
      const response = await fetch(address + path);
      contract.check(path, response, await response.text());
    }
    const { status } = await ask<{ status: string }>(`${address}/health`);
    expect(status).toBe("healthy");
    expect(await (await fetch(`${address}/metrics`)).text()).toContain("gpu_telemetry_");
  });
});

test("all-in-one without configuration replays its sample with the current time", async () => {
  await using program = startAllInOne({ SQLITE_PATH: join(folder.path, "sample.sqlite") });
  const address = await addressOf(program);
  const query = "subscription { readings { missed readings { hostname gpuUuid metricName value timestamp } } }";
  await using events = await openEvents(address, query);
  const times: number[] = [];
  while (times.length < 3) {
    const { data } = await events.next();
    const { readings } = data.readings as { readings: { timestamp: string }[] };
    if (readings.length === 0) continue;
    times.push(Math.max(...readings.map(({ timestamp }) => Date.parse(timestamp))));
  }
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(Math.abs(Date.now() - (times.at(-1) ?? 0))).toBeLessThan(60_000);

  const { gpus } = await ask<GpuList>(`${address}/api/v1/gpus`);
  expect(gpus.length).toBeGreaterThan(0);
  const { telemetry } = await ask<TelemetryPage>(`${address}/api/v1/gpus/${gpus[0]?.uuid}/telemetry`);
  const stored = telemetry.map(({ timestamp }) => Date.parse(timestamp));
  expect(stored.length).toBeGreaterThan(0);
  expect(stored).toEqual([...stored].sort((a, b) => b - a));
});

describe("all-in-one exits with an error", () => {
  const outcomeOf = async (env: Record<string, string>) => {
    await using program = startAllInOne({ SQLITE_PATH: join(folder.path, "refused.sqlite"), ...env });
    const status = await program.exited;
    return { status, ...program.output };
  };

  test("that names every invalid variable", async () => {
    const { status, stderr } = await outcomeOf({
      STREAM_INTERVAL: "soon",
      API_PORT: "99999",
      COLLECTOR_BATCH_SIZE: "x",
    });
    expect(status).toBe(2);
    for (const name of ["STREAM_INTERVAL", "API_PORT", "COLLECTOR_BATCH_SIZE"]) expect(stderr).toContain(name);
  });

  test("when the path of the source does not exist", async () => {
    const { status, stdout } = await outcomeOf({ CSV_PATH: "/nowhere/metrics.csv" });
    expect(status).toBe(1);
    expect(stdout).toContain("/nowhere/metrics.csv");
  });

  test("when the CSV header is not the one of DCGM exports", async () => {
    const path = join(folder.path, "other.csv");
    await writeFile(path, "time,gpu,watts\n2025-07-18T20:42:34Z,0,300\n");
    const { status, stdout } = await outcomeOf({ CSV_PATH: path, LOOP_MODE: "false" });
    expect(status).toBe(1);
    expect(stdout).toContain("time,gpu,watts");
    expect(stdout).toContain("timestamp");
  });

  test.each(["true", "false"])("when no row of the source is readable, with LOOP_MODE=%s", async (loop) => {
    const bad = join(folder.path, "unreadable.csv");
    const { path } = await smallExport(folder.path);
    const [header = "", ...lines] = (await readFile(path, "utf8")).split("\n");
    await writeFile(bad, [header, ...lines.slice(0, 10).map((line) => line.replace(/"GPU-/, '"XPU-')), ""].join("\n"));
    const store = join(folder.path, `unreadable-${loop}.sqlite`);
    const env = { CSV_PATH: bad, SQLITE_PATH: store, LOOP_MODE: loop, LOG_LEVEL: "error" };
    await using program = startAllInOne(env);
    expect(await program.exited).toBe(1);
    expect(program.output.stdout).toMatch(/"rows skipped".*"uuid".*"rows":10.*XPU-.*"mend":"export the label UUID/);
    expect(program.output.stdout).toContain("no row could be read");
  });

  test("when its port is in use", async () => {
    using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { status, stdout } = await outcomeOf({ PORT: String(taken.port) });
    expect(status).toBe(1);
    expect(stdout).toContain(`Cannot listen on 127.0.0.1:${taken.port}`);
  });

  test("when the file of the store is not a database", async () => {
    const path = join(folder.path, "broken.sqlite");
    await writeFile(path, "this is not a database, and long enough to be examined ".repeat(40));
    const { status, stdout } = await outcomeOf({ SQLITE_PATH: path });
    expect(status).toBe(1);
    expect(stdout).toContain(path);
  });
});

test("paging with `after` returns every older reading once while new ones arrive", async () => {
  await using program = startAllInOne({
    SQLITE_PATH: join(folder.path, "paging.sqlite"),
    STREAM_INTERVAL: "1ms",
    BATCH_SIZE: "20",
  });
  const address = await addressOf(program);
  const listed = async () => (await ask<GpuList>(`${address}/api/v1/gpus?limit=1`)).gpus[0];
  const gpu = await eventually(listed, { what: "a GPU" });
  const url = `${address}/api/v1/gpus/${gpu?.uuid}/telemetry`;
  const readingsIn = (page: TelemetryPage) =>
    page.telemetry.map(({ metric_name, timestamp }) => `${metric_name} ${timestamp}`);
  const many = async () => (await ask<TelemetryPage>(`${url}?limit=200`)).count === 200;
  await eventually(many, { what: "200 readings" });

  const before = readingsIn(await ask<TelemetryPage>(`${url}?limit=10000`));
  const newest = async () => readingsIn(await ask<TelemetryPage>(`${url}?limit=1`))[0];
  let page = await ask<TelemetryPage>(`${url}?limit=25`);
  const paged = readingsIn(page);
  while (page.next !== null) {
    const seen = await newest();
    await eventually(async () => (await newest()) !== seen, { what: "a new reading" });
    page = await ask<TelemetryPage>(`${url}?limit=25&after=${encodeURIComponent(page.next)}`);
    paged.push(...readingsIn(page));
  }
  expect(new Set(paged).size).toBe(paged.length);
  expect(before.filter((reading) => !paged.includes(reading))).toEqual([]);
});
