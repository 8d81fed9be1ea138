/** The store in memory: simple, gone with its process, and the model the others are held to. */
import { type Batch, bucketId } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { Clock } from "../../../services/platform/process/clock.ts";
import type { Metrics } from "../../../services/platform/process/metrics.ts";
import { type Arrivals, checkSightings, createArrivals } from "../../../services/repository/arrivals.ts";
import { type Bucket, readBuckets, unpackBucket } from "../../../services/repository/bucket.ts";
import { createDifferingCounter } from "../../../services/repository/differing.ts";
import { addSighting, holderOf, type TickFinder } from "../../../services/repository/holders.ts";
import { afterSighting } from "../../../services/repository/inventory.ts";
import { answersForMany } from "../../../services/repository/many.ts";
import { newestReadings } from "../../../services/repository/newest.ts";
import {
  type ReadingPage,
  type ReadingQuery,
  type Repository,
  type SaveOutcome,
  type StoredPosition,
  sizeOfPage,
  type TelemetryRepository,
} from "../../../services/repository/port.ts";
import { readPage } from "../../../services/repository/reading-page.ts";
import { isFurther, oldestKept } from "../../../services/repository/rules.ts";
import { type ListedGpu, modelInventory } from "./inventory.ts";

/** Buckets that one call of `expire` drops at most. */
const EXPIRE_MAX = 1000;

interface StoredGpu extends ListedGpu {
  readonly buckets: Map<string, Bucket>;
}

function findTicks(buckets: ReadonlyMap<string, Bucket>): TickFinder {
  const ticks = (from: number, to: number) =>
    [...buckets.values()]
      .filter((bucket) => bucket.from <= to && bucket.to >= from)
      .flatMap((bucket) => [...bucket.unpack().at].filter((at) => at >= from && at <= to))
      .sort((a, b) => a - b);
  return {
    before: (time, earliest) => ticks(earliest, time - 1).at(-1),
    after: (time, latest) => ticks(time + 1, latest)[0],
  };
}

/** Puts the blocks into the GPUs' buckets. */
function storeBlocks(gpus: Map<GpuUuid, StoredGpu>, batch: Batch, cutoff: number, arrivals: Arrivals): SaveOutcome {
  const outcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };
  for (const block of batch.blocks) {
    const { gpu: uuid, from, to, readings, packed } = block;
    if (to < cutoff) {
      outcome.tooOld += readings;
      continue;
    }
    let known = gpus.get(uuid);
    if (known === undefined) {
      known = { gpu: undefined, buckets: new Map(), held: [] };
      gpus.set(uuid, known);
    }
    const id = bucketId(block, batch.series);
    const fresh = !known.buckets.has(id);
    if (fresh) {
      const series = block.series.map((index) => batch.series[index] as Series);
      known.buckets.set(id, { from, to, series, unpack: () => unpackBucket(uuid, from, packed) });
    }
    outcome[fresh ? "buckets" : "duplicateBuckets"] += 1;
    outcome[fresh ? "readings" : "duplicateReadings"] += readings;
    arrivals.add(batch, uuid, fresh);
  }
  return outcome;
}

const NOTHING: SaveOutcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };

const addOutcome = (a: SaveOutcome, b: SaveOutcome): SaveOutcome => ({
  buckets: a.buckets + b.buckets,
  duplicateBuckets: a.duplicateBuckets + b.duplicateBuckets,
  readings: a.readings + b.readings,
  duplicateReadings: a.duplicateReadings + b.duplicateReadings,
  tooOld: a.tooOld + b.tooOld,
});

export interface ModelRepositoryOptions {
  readonly retentionMs: number;
}

/** Never throws `unavailable`. */
export function openModelRepository(
  { retentionMs }: ModelRepositoryOptions,
  { clock, metrics }: { clock: Clock; metrics?: Metrics | undefined },
): Repository {
  const gpus = new Map<GpuUuid, StoredGpu>();
  const positions = new Map<string, StoredPosition>();
  const onDiffering = createDifferingCounter(metrics);

  const pageOf = (gpu: GpuUuid, window: Window, { order = "newest", signal, ...query }: ReadingQuery): ReadingPage => {
    signal?.throwIfAborted();
    const buckets = [...(gpus.get(gpu)?.buckets.values() ?? [])];
    buckets.sort(order === "newest" ? (a, b) => b.to - a.to : (a, b) => a.from - b.from);
    return readBuckets(readPage({ gpu, window, order, ...query }, onDiffering), buckets);
  };
  const telemetry: TelemetryRepository = {
    async save(batches, { positions: ends = [], signal } = {}) {
      signal?.throwIfAborted();
      checkSightings(batches);
      const cutoff = oldestKept(clock, retentionMs);
      const arrivals = createArrivals();
      const outcome = batches.map((batch) => storeBlocks(gpus, batch, cutoff, arrivals)).reduce(addOutcome, NOTHING);
      for (const sighting of arrivals.facts()) {
        const known = gpus.get(sighting.facts.uuid) as StoredGpu;
        known.gpu = afterSighting(known.gpu, sighting);
      }
      for (const [uuid, sightings] of arrivals.holders()) {
        const known = gpus.get(uuid) as StoredGpu;
        const ticks = findTicks(known.buckets);
        for (const { facts, from, to } of sightings) {
          known.held = addSighting(known.held, { holder: holderOf(facts), from, to }, ticks);
        }
      }
      for (const end of ends) {
        if (isFurther(end, positions.get(end.producer))) positions.set(end.producer, end);
      }
      return outcome;
    },

    readings: async (gpu, window, query) => pageOf(gpu, window, query),

    pages: (uuids, window, { max, ...query }) =>
      answersForMany(uuids, async ([gpu]) => [pageOf(gpu as GpuUuid, window, query)], sizeOfPage, {
        slice: 1,
        max,
        signal: query.signal,
      }),

    async latest(uuids, { metrics: names, signal } = {}) {
      signal?.throwIfAborted();
      const latest = new Map<GpuUuid, readonly Reading[]>();
      for (const uuid of uuids) {
        const buckets = [...(gpus.get(uuid)?.buckets.values() ?? [])].sort((a, b) => b.to - a.to);
        const series = new Set(buckets.flatMap((bucket) => bucket.series));
        const wanted = [...series].filter((name) => names === undefined || names.includes(metricOf(name)));
        latest.set(uuid, readBuckets(newestReadings(uuid, new Set(wanted)), buckets));
      }
      return latest;
    },

    position: async (producer) => positions.get(producer) ?? null,

    async expire(before) {
      let dropped = 0;
      for (const known of gpus.values()) {
        for (const [id, { to }] of known.buckets) {
          if (to >= before) continue;
          if (dropped === EXPIRE_MAX) return dropped;
          known.buckets.delete(id);
          dropped++;
        }
        known.held = known.held.filter(({ to }) => to >= before);
      }
      return dropped;
    },
  };

  return {
    ...telemetry,
    ...modelInventory(gpus),
    ping: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
