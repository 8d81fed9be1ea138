/**
 * The reference model of the store: the contract of `services/repository/port.ts` in the simplest code that keeps it.
 * It lives in memory, works every answer out from all that is stored of a GPU, and shares with the stores only rules
 * of a few lines, none of their algorithms.
 */
import { type Batch, type Block, bucketId, type Sighting } from "../../../schema/batch/batch.ts";
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Clock } from "../../../services/platform/process/clock.ts";
import type { Metrics } from "../../../services/platform/process/metrics.ts";
import { checkSightings } from "../../../services/repository/arrivals.ts";
import { createDifferingCounter } from "../../../services/repository/differing.ts";
import { afterSighting } from "../../../services/repository/inventory.ts";
import { type Repository, type StoredPosition, sizeOfPage } from "../../../services/repository/port.ts";
import { isFurther, oldestKept } from "../../../services/repository/rules.ts";
import { answersThatFit } from "./answers-that-fit.ts";
import { attributionsWithin, forgetHoldersBefore, type HolderAt, noteHolder } from "./attribution.ts";
import { hostsOf, pageOfGpus } from "./inventory.ts";
import { type Bucket, bucketOf, latestOf, pageOfReadings } from "./readings.ts";

/** Buckets dropped by one call of `expire`. */
const EXPIRE_MAX = 1000;

interface StoredGpu {
  /** By bucket id. */
  readonly buckets: Map<string, Bucket>;
  readonly holderAt: HolderAt;
}

export interface ModelRepositoryOptions {
  readonly retentionMs: number;
}

/** Never throws `unavailable`. */
export function openModelRepository(
  { retentionMs }: ModelRepositoryOptions,
  { clock, metrics }: { clock: Clock; metrics?: Metrics | undefined },
): Repository {
  const stored = new Map<GpuUuid, StoredGpu>();
  const inventory = new Map<GpuUuid, Gpu>();
  const positions = new Map<string, StoredPosition>();
  const onDiffering = createDifferingCounter(metrics);
  const bucketsOf = (gpu: GpuUuid): readonly Bucket[] => [...(stored.get(gpu)?.buckets.values() ?? [])];

  /** False when the bucket was there already. */
  const store = (block: Block, batch: Batch): boolean => {
    const gpu = stored.get(block.gpu) ?? { buckets: new Map(), holderAt: new Map() };
    stored.set(block.gpu, gpu);
    const id = bucketId(block, batch.series);
    if (gpu.buckets.has(id)) return false;
    gpu.buckets.set(id, bucketOf(block, batch.series));
    return true;
  };

  return {
    async save(batches, { positions: ends = [], signal } = {}) {
      signal?.throwIfAborted();
      checkSightings(batches);
      const cutoff = oldestKept(clock, retentionMs);
      const outcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };
      const sightingsOfNewBuckets: Sighting[] = [];
      for (const batch of batches) {
        const sighted = new Set<GpuUuid>();
        const withNewBucket = new Set<GpuUuid>();
        for (const block of batch.blocks) {
          if (block.to < cutoff) {
            outcome.tooOld += block.readings;
            continue;
          }
          sighted.add(block.gpu);
          const isNew = store(block, batch);
          if (isNew) withNewBucket.add(block.gpu);
          outcome[isNew ? "buckets" : "duplicateBuckets"] += 1;
          outcome[isNew ? "readings" : "duplicateReadings"] += block.readings;
        }
        for (const sighting of batch.sightings) {
          const { uuid } = sighting.facts;
          if (sighted.has(uuid)) inventory.set(uuid, afterSighting(inventory.get(uuid), sighting));
          if (withNewBucket.has(uuid)) sightingsOfNewBuckets.push(sighting);
        }
      }
      for (const sighting of sightingsOfNewBuckets.sort((a, b) => a.from - b.from)) {
        const { uuid } = sighting.facts;
        noteHolder(stored.get(uuid)?.holderAt as HolderAt, sighting, bucketsOf(uuid));
      }
      for (const end of ends) {
        if (isFurther(end, positions.get(end.producer))) positions.set(end.producer, end);
      }
      return outcome;
    },

    async readings(gpu, window, query) {
      query.signal?.throwIfAborted();
      return pageOfReadings(bucketsOf(gpu), window, query, onDiffering);
    },

    async pages(gpus, window, { max, ...query }) {
      query.signal?.throwIfAborted();
      const pageOf = (gpu: GpuUuid) => pageOfReadings(bucketsOf(gpu), window, query, onDiffering);
      return answersThatFit(gpus, max, pageOf, sizeOfPage);
    },

    async latest(gpus, { metrics: names, signal } = {}) {
      signal?.throwIfAborted();
      return new Map(gpus.map((gpu) => [gpu, latestOf(bucketsOf(gpu), names, clock.now() + 600_000)]));
    },

    position: async (producer) => positions.get(producer) ?? null,

    async expire(before) {
      let dropped = 0;
      for (const { buckets } of stored.values()) {
        for (const [id, { to }] of buckets) {
          if (to >= before) continue;
          if (dropped === EXPIRE_MAX) return dropped;
          buckets.delete(id);
          dropped++;
        }
      }
      for (const { holderAt } of stored.values()) forgetHoldersBefore(holderAt, before);
      return dropped;
    },

    gpus: async (query) => pageOfGpus([...inventory.values()], query),
    gpusByUuid: async (uuids) => [...new Set(uuids)].flatMap((uuid) => inventory.get(uuid) ?? []),
    hosts: async () => hostsOf([...inventory.values()]),

    async attributions(gpus, window, { max, signal }) {
      signal?.throwIfAborted();
      const attributionsOf = (gpu: GpuUuid) =>
        attributionsWithin(window, stored.get(gpu)?.holderAt ?? new Map()).map((held) => ({ gpu, ...held }));
      return answersThatFit(gpus, max, attributionsOf, ({ length }) => length);
    },

    ping: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
