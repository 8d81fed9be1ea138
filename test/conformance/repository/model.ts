/** Random batches, saved in random order, groups and repetitions, are the same as a plain list of rows. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  HOUR,
  type OpenRepository,
  type Row,
  read,
  rowsOf,
  START,
  StoresOfRuns,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

const GPUS = 3;
const METRICS = ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", UTIL, TEMP, "UNKNOWN"];

const row = fc
  .tuple(
    fc.constantFrom(UTIL, TEMP, ENGINE_3, ENGINE_7),
    fc.oneof(
      fc.nat(20).map((tick) => tick * 1000),
      fc.nat(12).map((tick) => tick * (HOUR / 3)),
    ),
    fc.oneof(fc.nat(3), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.nat(GPUS - 1),
  )
  .map(([series, at, value, gpu]) => ({ series, at, value: Object.is(value, -0) ? 0 : value, gpu }));

const saves = fc
  .array(fc.array(row, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 8 })
  .chain((batches) =>
    fc.record({
      batches: fc.constant(batches),
      order: fc.shuffledSubarray([...batches.keys(), ...batches.keys()], { minLength: batches.length }),
      group: fc.integer({ min: 1, max: 3 }),
    }),
  );

const question = fc.record({
  gpu: fc.nat(GPUS - 1),
  from: fc.option(fc.integer({ min: -1000, max: 5 * HOUR }), { nil: Number.NEGATIVE_INFINITY }),
  to: fc.option(fc.integer({ min: -1000, max: 5 * HOUR }), { nil: Number.POSITIVE_INFINITY }),
  metrics: fc.option(fc.subarray(METRICS), { nil: undefined }),
  order: fc.constantFrom("newest" as const, "oldest" as const),
  limit: fc.integer({ min: 1, max: 60 }),
});

type Told = [Series, number, number];

/** Every reading of each GPU, merged. */
function model(firstGpu: number, rows: readonly Row[]): Map<GpuUuid, Told[]> {
  const gpus = Array.from({ length: GPUS }, (_, number) => uuidOf(firstGpu + number));
  const readings = new Map<GpuUuid, Told[]>(gpus.map((gpu) => [gpu, []]));
  for (const [series, at, value, facts] of rows) {
    const ofGpu = readings.get(facts?.uuid ?? uuidOf(0)) as Told[];
    const known = ofGpu.find(([name, time]) => name === series && time === at);
    if (known === undefined) ofGpu.push([series, at, value]);
    else known[2] = Math.max(known[2], value);
  }
  return readings;
}

const asTold =
  (order: "newest" | "oldest") =>
  ([series, at]: Told, [otherSeries, otherAt]: Told): number =>
    (order === "newest" ? otherAt - at : at - otherAt) || (series < otherSeries ? -1 : 1);

export function modelConformance(open: OpenRepository): void {
  test("repository is a merged list of readings, however they were batched, ordered, grouped and repeated", async () => {
    await using stores = new StoresOfRuns(open);
    await fc.assert(
      fc.asyncProperty(saves, fc.array(question, { minLength: 3, maxLength: 6 }), async (saved, questions) => {
        const { repository, run } = await stores.next();
        const firstGpu = run * GPUS;
        const rows = saved.batches.map((batch) =>
          batch.map(({ series, at, value, gpu }): Row => [series, at, value, factsOf(firstGpu + gpu)]),
        );
        const batches = rows.map((ofBatch, seq): Batch => batchOf(ofBatch, { seq }));
        const sent = [...new Set(saved.order)];
        const rest = [...batches.keys()].filter((index) => !sent.includes(index));
        const order = [...saved.order, ...rest];
        for (let start = 0; start < order.length; start += saved.group) {
          await repository.save(order.slice(start, start + saved.group).map((index) => batches[index] as Batch));
        }
        const readings = model(firstGpu, rows.flat());

        for (const { gpu, from, to, metrics, order, limit } of questions) {
          const expected = (readings.get(uuidOf(firstGpu + gpu)) as Told[])
            .filter(([, at]) => at >= from && at < to)
            .filter(([series]) => metrics === undefined || metrics.includes(metricOf(series)))
            .sort(asTold(order));
          const query = { gpu: uuidOf(firstGpu + gpu), window: windowOf(from, to), metrics, order };
          expect(await read(repository, query)).toEqual(expected);
          const first = await repository.readings(query.gpu, query.window, { metrics, order, limit });
          expect(rowsOf(first.readings)).toEqual(expected.slice(0, limit));
          if (first.next === null) {
            expect(expected.length).toBeLessThanOrEqual(limit);
          } else {
            expect(await read(repository, { ...query, after: first.next })).toEqual(expected.slice(limit));
          }
        }

        const latest = await repository.latest([...readings.keys()]);
        for (const [gpu, told] of readings) {
          const newest = new Map<Series, Told>();
          for (const reading of told.sort(asTold("oldest"))) newest.set(reading[0], reading);
          const expected = [...newest.values()].sort(([a], [b]) => (a < b ? -1 : 1));
          expect(rowsOf(latest.get(gpu) ?? [])).toEqual(expected);
          const times = told.map(([, at]) => START + at);
          const [known] = await repository.gpusByUuid([gpu]);
          if (times.length === 0) expect(known).toBeUndefined();
          else expect([known?.firstSeen, known?.lastSeen]).toEqual([Math.min(...times), Math.max(...times)]);
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 8000 },
    );
  });
}
