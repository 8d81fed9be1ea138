import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { CLOCK_REASONS, INSTANCE_MEMORY, WHOLE_MEMORY } from "../../../data/card.ts";
import { METRIC_COLUMNS } from "../../../data/csv.ts";
import { DEFAULT_SIMULATION } from "../../../data/simulation.ts";
import { type SampleTick, sampleRows, sampleText, ticksByGpu } from "../../support/sources/sample-rows.ts";

const SAMPLE = new URL("../../../data/sample.csv.gz", import.meta.url);
const rows = sampleRows(DEFAULT_SIMULATION);
const gpus = ticksByGpu(rows);
const gpu = (name: string): SampleTick[] => gpus.get(name) ?? [];
const [HOT, THROTTLED, INSTANCE, HELD, XID] = [
  "gpu-node-001/2",
  "gpu-node-001/5",
  "gpu-node-002/3",
  "gpu-node-003/0",
  "gpu-node-003/3",
] as const;

const column = (ticks: readonly SampleTick[], metric: string) => ticks.map((tick) => tick.values[metric]!);
const pairs = <T>(items: readonly T[]) => items.slice(1).map((item, place) => [items[place]!, item] as const);

test("the committed sample equals the output of the generator", async () => {
  const packed = await Bun.file(SAMPLE).bytes();
  expect(packed.length).toBeLessThanOrEqual(1 << 20);
  expect(gunzipSync(packed).toString() === sampleText(DEFAULT_SIMULATION)).toBe(true);
});

test("the sample has three hosts with eight GPUs each, and at least 100 ticks", () => {
  expect(gpus.size).toBe(24);
  expect(new Set(rows.map((row) => row.host)).size).toBe(3);
  expect(new Set(rows.map((row) => row.uuid)).size).toBe(24);
  for (const [name, ticks] of gpus) expect([name, ticks.length]).toEqual([name, 120]);
});

test("rows are ordered by tick, then by metric, then by GPU", () => {
  const metrics = METRIC_COLUMNS.map((metric) => metric.name);
  const place = (row: (typeof rows)[number]) =>
    [row.time, String(metrics.indexOf(row.metric)).padStart(3, "0"), row.host, row.index].join(" ");
  const misplaced = pairs(rows).filter(([before, after]) => place(before) >= place(after));
  expect(misplaced).toEqual([]);
});

test("labels_raw repeats the columns, sorted by name", () => {
  for (const row of rows.slice(0, 2000)) {
    const labels = [...row.labels.matchAll(/(\w+)=""([^"]*)""(?:,|$)/g)].map(([, name, value]) => [name!, value!]);
    expect(labels.map(([name, value]) => `${name}=""${value}""`).join(",")).toBe(row.labels);
    const names = labels.map(([name]) => name!);
    expect(names).toEqual([...names].sort());
    const byName = Object.fromEntries(labels);
    expect(byName).toMatchObject({ __name__: row.metric, UUID: row.uuid, Hostname: row.host, gpu: String(row.index) });
    expect(byName.pod ?? "").toBe(row.pod);
  }
});

test("used, free and reserved memory add up to the memory of the card", () => {
  for (const [name, ticks] of gpus) {
    const total = (name === INSTANCE ? INSTANCE_MEMORY : WHOLE_MEMORY).totalMiB;
    for (const { values } of ticks) expect(values.FB_USED! + values.FB_FREE! + values.FB_RESERVED!).toBe(total);
  }
});

test("the energy counter grows by power × time", () => {
  const seconds = DEFAULT_SIMULATION.intervalMs / 1000;
  for (const ticks of gpus.values()) {
    for (const [{ values: before }, { values: after }] of pairs(ticks)) {
      const drawnMJ = after.TOTAL_ENERGY_CONSUMPTION! - before.TOTAL_ENERGY_CONSUMPTION!;
      expect(Math.abs(drawnMJ - after.POWER_USAGE! * 1000 * seconds)).toBeLessThanOrEqual(1);
    }
  }
});

test("power follows load, and temperature follows power", () => {
  for (const [name, ticks] of gpus) {
    if (name === THROTTLED) continue;
    for (const { values } of ticks) {
      expect(values.POWER_USAGE!).toBeLessThanOrEqual(711);
      const busy = values.PROF_GR_ENGINE_ACTIVE!;
      if (busy > 0.9) expect(values.POWER_USAGE!).toBeGreaterThan(380);
      if (busy === 0) expect(values.POWER_USAGE!).toBeLessThan(115);
    }
    for (const [{ values: before }, { values: after }] of pairs(ticks)) {
      if (after.POWER_USAGE! < 75 && before.GPU_TEMP! > 40) expect(after.GPU_TEMP!).toBeLessThan(before.GPU_TEMP!);
    }
  }
});

test("thermal slowdown holds the hot GPU between 85 and 92 °C", () => {
  const temperatures = column(gpu(HOT), "GPU_TEMP");
  expect(temperatures.filter((celsius) => celsius >= 85).length).toBeGreaterThan(30);
  expect(Math.max(...temperatures)).toBeLessThanOrEqual(92);
  const slowed = gpu(HOT).filter(({ values }) => (values.CLOCKS_EVENT_REASONS! & CLOCK_REASONS.thermal) !== 0);
  expect(slowed.length).toBeGreaterThan(5);
  for (const { values } of slowed) expect(values.SM_CLOCK!).toBeLessThan(1980);
  const others = [...gpus].filter(([name]) => name !== HOT).flatMap(([, ticks]) => column(ticks, "GPU_TEMP"));
  expect(Math.max(...others)).toBeLessThan(80);
});

test("the throttled GPU has reduced clocks and power at full utilisation", () => {
  const braked = gpu(THROTTLED).filter(({ values }) => (values.CLOCKS_EVENT_REASONS! & CLOCK_REASONS.powerBrake) !== 0);
  expect(braked.length).toBeGreaterThan(20);
  for (const { values } of braked) {
    expect(values.POWER_USAGE!).toBeLessThanOrEqual(420);
    expect(values.SM_CLOCK!).toBeLessThanOrEqual(1584);
    expect(values.CLOCKS_EVENT_REASONS! & CLOCK_REASONS.hwSlowdown).not.toBe(0);
  }
  expect(braked.filter(({ values }) => values.GPU_UTIL! >= 95).length).toBeGreaterThan(15);
  expect(Math.max(...column(gpu(THROTTLED), "POWER_USAGE"))).toBeLessThanOrEqual(600);
});

test("idle GPUs are at their lowest clocks, and one holds memory without any load", () => {
  const asleep = [...gpus].filter(([, ticks]) => ticks.every(({ values }) => values.SM_CLOCK === 345));
  expect(asleep.length).toBeGreaterThanOrEqual(3);
  for (const { pod, values } of gpu(HELD)) {
    expect(pod).not.toBe("");
    expect(values).toMatchObject({ GPU_UTIL: 0, PROF_GR_ENGINE_ACTIVE: 0, SM_CLOCK: 1980 });
    expect(values.FB_USED!).toBeGreaterThan(20_000);
  }
});

test("an XID ends the pod that caused it, and stays", () => {
  const codes = column(gpu(XID), "XID_ERRORS");
  const first = codes.indexOf(94);
  expect(first).toBeGreaterThan(0);
  expect(gpu(XID)[first - 1]!.pod).toStartWith("fine-tune-");
  for (const { pod, values } of gpu(XID).slice(first)) {
    expect([pod, values.XID_ERRORS, values.GPU_UTIL]).toEqual(["", 94, 0]);
  }
  const others = [...gpus].filter(([name]) => name !== XID).flatMap(([, ticks]) => column(ticks, "XID_ERRORS"));
  expect(new Set(others)).toEqual(new Set([0]));
});

test("the MIG instance reports engine activity instead of utilisation, under its labels", () => {
  for (const { values } of gpu(INSTANCE)) {
    expect(values).not.toHaveProperty("GPU_UTIL");
    expect(values.PROF_GR_ENGINE_ACTIVE!).toBeLessThanOrEqual(3 / 7);
  }
  for (const row of rows) {
    const labelled = row.labels.includes('GPU_I_ID=""1"",GPU_I_PROFILE=""3g.40gb""');
    expect(labelled).toBe(`${row.host}/${row.index}` === INSTANCE);
  }
});

test("pods follow each other with gaps in which no pod holds the GPU", () => {
  const training = gpu("gpu-node-001/0").map((tick) => tick.pod);
  const changes = pairs(training).filter(([before, after]) => before !== after);
  expect(changes).toEqual([
    ["llm-pretrain-1-worker-0", ""],
    ["", "llm-pretrain-2-worker-0"],
  ]);
  for (const ticks of gpus.values()) {
    for (const { pod, values } of ticks) expect(pod !== "").toBe(values.FB_USED! > 4);
  }
});

test("a longer history begins with the shorter one, and each seed gives another fleet", () => {
  const short = { ...DEFAULT_SIMULATION, durationMs: 60_000 };
  expect(sampleText({ ...short, durationMs: 120_000 })).toStartWith(sampleText(short));
  expect(sampleText({ ...short, maxRows: 500 }).split("\n").length).toBe(502);
  const uuids = (seed: number) => new Set(sampleRows({ ...short, seed }).map((row) => row.uuid));
  expect(uuids(1).intersection(uuids(2)).size).toBe(0);
});
