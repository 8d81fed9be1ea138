/** Random saves and questions: the store and the reference model must give the same answers. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { type Holder, holderSetOf } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { GpuFilter, Repository } from "../../../services/repository/port.ts";
import { joinedColumns } from "../../support/repository/joined-columns.ts";
import { openModelRepository } from "../../support/repository-model/repository.ts";
import {
  batchOf,
  ENGINE_3,
  ENGINE_7,
  factsOf,
  HOUR,
  type OpenRepository,
  podOf,
  type Row,
  START,
  StoresOfRuns,
  TEMP,
  UTIL,
  uuidOf,
  windowOf,
} from "./bench.ts";

type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never;

const GPUS = 3;
const METRICS = ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", UTIL, TEMP, "UNKNOWN"];

const VGPU = [1, 2].map((vgpu) => `DCGM_FI_DEV_FB_USED{vgpu="${vgpu}"}` as Series);
const HOLDERS: readonly Holder[] = [podOf("a"), podOf("b"), { kind: "job", job: "1200" }];

/** Batches disagree about holders, not about hosts: a GPU cannot be in two. */
const row = fc.record({
  series: fc.constantFrom(UTIL, TEMP, ENGINE_3, ENGINE_7, ...VGPU),
  at: fc.oneof(
    fc.nat(20).map((tick) => tick * 1000),
    fc.nat(12).map((tick) => tick * (HOUR / 3)),
  ),
  isMark: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
  value: fc
    .oneof(fc.nat(3), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((value) => (Object.is(value, -0) ? 0 : value)),
  gpu: fc.nat(GPUS - 1),
  holders: fc.subarray([...HOLDERS]).map(holderSetOf),
});

/**
 * The slot of a GPU changes every 20 minutes, so that it leaves slots and comes back. It does not change ahead of the
 * present, where a store knows only the ends of a sighting.
 */
const slotAt = (gpu: number, at: number) => {
  const turn = Math.floor(Math.min(at, HOUR) / (HOUR / 3)) + gpu;
  return { host: Math.floor(turn / 2) % 2, index: String(turn % 2) };
};

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
  withHolders: fc.boolean(),
  max: fc.nat(100),
});

/** GPUs and hosts of one run: several runs share a store. */
const fleetOf = (run: number) => ({
  gpus: Array.from({ length: GPUS }, (_, number) => uuidOf(run * GPUS + number)),
  hosts: [0, 1].map((host) => `run-${run}-${host}`),
});
type Fleet = ReturnType<typeof fleetOf>;

/** @param base when the run begins, ms after START */
const batchIn = ({ gpus, hosts }: Fleet, base: number, rows: readonly RandomRow[], seq: number): Batch =>
  batchOf(
    rows.map(({ series, at, value, isMark, gpu, holders }): Row => {
      const { host, index } = slotAt(gpu, at);
      const instance = /GPU_I_ID="(\d)"/.exec(series)?.[1] ?? null;
      const facts = { uuid: gpus[gpu] as GpuUuid, host: hosts[host] as string, index, instance, holders };
      return [series, base + at, isMark ? Number.NaN : value, factsOf(gpu, facts)];
    }),
    { seq },
  );

async function answersTo(
  repository: Repository,
  { gpus }: Fleet,
  base: number,
  { gpu, from, to, max, ...query }: ValueOf<typeof question>,
) {
  const uuid = gpus[gpu] as GpuUuid;
  const window = windowOf(base + from, base + to);
  const first = await repository.readings(uuid, window, query);
  return {
    first,
    second: first.next && (await repository.readings(uuid, window, { ...query, after: first.next })),
    pages: await repository.pages(gpus, window, { ...query, max }),
    latest: await repository.latest(gpus, { metrics: query.metrics }),
    columns: await joinedColumns(
      repository.columns(gpus, { metrics: query.metrics ?? METRICS, window, resolution: "raw" }),
    ),
    holds: await repository.holds(gpus, window, { max }),
    placements: await repository.placements({ gpu: uuid }, window),
  };
}

async function inventoryOf(repository: Repository, { gpus, hosts }: Fleet, base: number) {
  const filters = hosts.flatMap((hostname): GpuFilter[] => [
    { hostname },
    { hostname, namespace: "research", pod: "a" },
    { hostname, job: "1200", window: windowOf(base, base + HOUR) },
  ]);
  return {
    gpus: (await repository.gpusByUuid(gpus)).toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1)),
    listed: await Promise.all(filters.map((filter) => repository.gpus({ filter, limit: 2 }))),
    hosts: (await repository.hosts()).filter(({ hostname }) => hosts.includes(hostname)),
    holds: await repository.holds(gpus, ALL_TIME, { max: 10_000 }),
    placements: await Promise.all(hosts.map((host) => repository.placements({ host }, ALL_TIME))),
  };
}

export function modelConformance(open: OpenRepository): void {
  test("repository gives the reference model's answers, whatever the order and grouping of saves", async () => {
    await using stores = new StoresOfRuns(open);
    await fc.assert(
      fc.asyncProperty(saves, fc.array(question, { minLength: 3, maxLength: 6 }), async (saved, questions) => {
        const { repository, clock, run } = await stores.next();
        const model = openModelRepository({ retentionMs: 0 }, { clock });
        const fleet = fleetOf(run);
        const base = clock.now() - START;
        const batches = saved.batches.map((rows, seq) => batchIn(fleet, base, rows, seq));
        // Some readings are ahead of the clock when they are saved, and some still are when it stops.
        await clock.advance(HOUR);
        for (let start = 0; start < saved.order.length; start += saved.group) {
          const group = saved.order.slice(start, start + saved.group).map((index) => batches[index] as Batch);
          expect(await repository.save(group)).toEqual(await model.save(group));
        }
        for (const hours of [0, 1, 3]) {
          await clock.advance(hours * HOUR);
          expect(await inventoryOf(repository, fleet, base)).toEqual(await inventoryOf(model, fleet, base));
        }
        for (const asked of questions) {
          expect(await answersTo(repository, fleet, base, asked)).toEqual(await answersTo(model, fleet, base, asked));
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 8000 },
    );
  });
}
