import { expect, test } from "bun:test";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { openSources } from "../../../services/sources/open.ts";
import { ROOT } from "../../support/programs/process.ts";
import type { MemoryRow } from "../../support/sources/memory-files.ts";
import { MemoryFiles } from "../../support/sources/memory-files.ts";
import { batchesIn, filesAt, openTestQueue, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION";
const ERRORS = "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL";
const START = Date.UTC(2025, 6, 18);

/** Streams the rows with live times at a pace, and returns the sent readings of one metric in order of time. */
async function sentOf(
  metric: string,
  rows: readonly MemoryRow[],
  { loop = false, batches = Number.POSITIVE_INFINITY } = {},
) {
  const clock = new InstantClock(1_000_000_000_000);
  const queue = openTestQueue(clock);
  const sources = new MemoryFiles({ "/data": rows });
  await stream({ times: "live", intervalMs: 500, loop }, { queue, sources, clock, stopAfter: batches });
  const sent: { at: number; value: number }[] = [];
  for (const batch of await batchesIn(queue)) {
    forEachReading(batch, (_gpu, series, at, value) => void (series === metric && sent.push({ at, value })));
  }
  return sent.sort((a, b) => a.at - b.at);
}

const rowsOf = (metric: string, values: readonly number[]): MemoryRow[] =>
  values.map((value, tick) => ({ gpu: 0, metric, at: START + tick * 15_000, value }));

test("a counter that flows grows at its recorded rate, from 0, however fast it is replayed", async () => {
  // 300 W for two ticks, 100 W for one, then a reset, then 200 W.
  const sent = await sentOf(ENERGY, rowsOf(ENERGY, [9_000_000, 13_500_000, 18_000_000, 19_500_000, 0, 3_000_000]));
  expect(sent.map(({ value }) => value)).toEqual([0, 150_000, 300_000, 350_000, 0, 100_000]);
  expect(sent.slice(1).map(({ at }, index) => at - (sent[index]?.at ?? 0))).toEqual([500, 500, 500, 500, 500]);
});

test("a counter of events keeps its recorded values, and falls where the recorded one was reset", async () => {
  const sent = await sentOf(ERRORS, rowsOf(ERRORS, [7, 7, 9, 1, 2]));
  expect(sent.map(({ value }) => value)).toEqual([7, 7, 9, 1, 2]);
});

test.each([ENERGY, ERRORS])("%s never falls when the recording begins again", async (metric) => {
  const sent = await sentOf(metric, rowsOf(metric, [1000, 2000, 5000]), { loop: true, batches: 9 });
  const values = sent.map(({ value }) => value);
  expect(values).toHaveLength(9);
  expect(values).toEqual(values.toSorted((a, b) => a - b));
  expect(values.at(-1)).toBeGreaterThan(values[2] as number);
});

test("rows of one series and time get one value", async () => {
  const rows = rowsOf(ENERGY, [1000, 4000, 7000]).flatMap((row) => [row, { ...row, pod: "a" }]);
  expect((await sentOf(ENERGY, rows)).map(({ value }) => value)).toEqual([0, 100, 200]);
});

test("in the replayed sample, energy is power times time", async () => {
  const clock = new InstantClock();
  const queue = openTestQueue(clock);
  const sources = openSources(filesAt(`${ROOT}/data/sample.csv.gz`), { clock });
  await stream({ times: "live", intervalMs: 100, loop: true }, { queue, sources, clock, stopAfter: 1100 });
  const power = new Map<string, { at: number; value: number }[]>();
  const energy = new Map<string, { at: number; value: number }[]>();
  for (const batch of await batchesIn(queue)) {
    forEachReading(batch, (gpu, series, at, value) => {
      const metric = metricOf(series);
      const of = metric === ENERGY ? energy : metric === "DCGM_FI_DEV_POWER_USAGE" ? power : undefined;
      of?.set(gpu, [...(of.get(gpu) ?? []), { at, value }]);
    });
  }
  expect(energy.size).toBe(24);
  for (const [gpu, readings] of energy) {
    const [first, last] = [readings[0], readings.at(-1)];
    const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1000;
    const watts = ((last?.value ?? 0) - (first?.value ?? 0)) / 1000 / seconds;
    const mean = (power.get(gpu) ?? []).reduce((sum, { value }, _, all) => sum + value / all.length, 0);
    expect({ gpu, ratio: watts / mean }).toEqual({ gpu, ratio: expect.closeTo(1, 1) });
  }
});
