/** Random saves and questions: the store and the reference model must give the same answers. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { GpuFilter, Repository } from "../../../services/repository/port.ts";
import { openModelRepository } from "../../support/repository-model/repository.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  HOUR,
  heldBy,
  type OpenRepository,
  type Row,
  StoresOfRuns,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never;

const GPUS = 3;
const METRICS = ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", UTIL, TEMP, "UNKNOWN"];

/**
 * Batches disagree about holders, so their times stay within one day (START is at 10:00 UTC): MongoDB cuts a sighting
 * that spans midnight at the batch's own readings, see FORMATS.md.
 */
const row = fc.record({
  series: fc.constantFrom(UTIL, TEMP, ENGINE_3, ENGINE_7),
  at: fc.oneof(
    fc.nat(20).map((tick) => tick * 1000),
    fc.nat(12).map((tick) => tick * (HOUR / 3)),
  ),
  value: fc
    .oneof(fc.nat(3), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((value) => (Object.is(value, -0) ? 0 : value)),
  gpu: fc.nat(GPUS - 1),
  pod: fc.constantFrom("a", "b", null),
  host: fc.nat(1),
});

type RandomRow = ValueOf<typeof row>;

const saves = fc
  .array(fc.array(row, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 8 })
  .chain((batches) =>
    fc.record({
      batches: fc.constant(batches),
      /** Batches by index; each comes once or twice. */
      order: fc
        .shuffledSubarray([...batches.keys(), ...batches.keys()], { minLength: batches.length })
        .map((order) => [...order, ...[...batches.keys()].filter((index) => !order.includes(index))]),
      /** Batches saved by one call. */
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
  max: fc.nat(100),
});

/** GPUs and hosts of one run: several runs share a store. */
const fleetOf = (run: number) => ({
  gpus: Array.from({ length: GPUS }, (_, number) => uuidOf(run * GPUS + number)),
  hosts: [0, 1].map((host) => `run-${run}-${host}`),
});
type Fleet = ReturnType<typeof fleetOf>;

const batchIn = ({ gpus, hosts }: Fleet, rows: readonly RandomRow[], seq: number): Batch =>
  batchOf(
    rows.map(({ series, at, value, gpu, pod, host }): Row => {
      const place = { uuid: gpus[gpu] as GpuUuid, host: hosts[host] as string };
      return [series, at, value, factsOf(gpu, { ...heldBy(pod), ...place })];
    }),
    { seq },
  );

async function answersTo(
  repository: Repository,
  { gpus }: Fleet,
  { gpu, from, to, max, ...query }: ValueOf<typeof question>,
) {
  const uuid = gpus[gpu] as GpuUuid;
  const window = windowOf(from, to);
  const first = await repository.readings(uuid, window, query);
  return {
    first,
    second: first.next && (await repository.readings(uuid, window, { ...query, after: first.next })),
    pages: await repository.pages(gpus, window, { ...query, max }),
    latest: await repository.latest(gpus, { metrics: query.metrics }),
    attributions: await repository.attributions(gpus, window, { max }),
  };
}

async function inventoryOf(repository: Repository, { gpus, hosts }: Fleet) {
  const filters = hosts.flatMap((hostname): GpuFilter[] => [{ hostname }, { hostname, namespace: "research" }]);
  return {
    gpus: (await repository.gpusByUuid(gpus)).toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1)),
    listed: await Promise.all(filters.map((filter) => repository.gpus({ filter, limit: 2 }))),
    hosts: (await repository.hosts()).filter(({ hostname }) => hosts.includes(hostname)),
    attributions: await repository.attributions(gpus, ALL_TIME, { max: 10_000 }),
  };
}

export function modelConformance(open: OpenRepository): void {
  test("repository gives the reference model's answers, whatever the order and grouping of saves", async () => {
    await using stores = new StoresOfRuns(open);
    await fc.assert(
      fc.asyncProperty(saves, fc.array(question, { minLength: 3, maxLength: 6 }), async (saved, questions) => {
        const { repository, run } = await stores.next();
        const model = openModelRepository({ retentionMs: 0 }, { clock: new ManualClock() });
        const fleet = fleetOf(run);
        const batches = saved.batches.map((rows, seq) => batchIn(fleet, rows, seq));
        for (let start = 0; start < saved.order.length; start += saved.group) {
          const group = saved.order.slice(start, start + saved.group).map((index) => batches[index] as Batch);
          expect(await repository.save(group)).toEqual(await model.save(group));
        }
        expect(await inventoryOf(repository, fleet)).toEqual(await inventoryOf(model, fleet));
        for (const asked of questions) {
          expect(await answersTo(repository, fleet, asked)).toEqual(await answersTo(model, fleet, asked));
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 8000 },
    );
  });
}
