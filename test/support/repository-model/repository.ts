/**
 * The reference model of the store: the contract of `services/repository/port.ts` in the simplest code that keeps it.
 * It lives in memory, works every answer out from all that is stored of a GPU, and shares with the stores only rules
 * of a few lines, none of their algorithms.
 */
import { type Batch, type Block, bucketId, type Sighting } from "../../../schema/batch/batch.ts";
import type { Gpu, GpuUuid, Hold } from "../../../schema/model/gpu.ts";
import { lastPresentTime } from "../../../schema/model/present.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Clock } from "../../../services/platform/process/clock.ts";
import type { Metrics } from "../../../services/platform/process/metrics.ts";
import { checkSightings } from "../../../services/repository/arrivals.ts";
import { createDifferingCounter } from "../../../services/repository/differing.ts";
import type { Observation } from "../../../services/repository/holds/timeline.ts";
import { PLACEMENTS_MAX } from "../../../services/repository/placements.ts";
import { type Repository, type StoredPosition, sizeOfPage } from "../../../services/repository/port.ts";
import { isFurther, oldestKept } from "../../../services/repository/rules.ts";
import { answersThatFit } from "./answers-that-fit.ts";
import { holdsOf, holdsWithin, observationsOf, pageOfWorkloads } from "./holds.ts";
import { gpuOf, pageOfGpus, sightingsUntil, type TimedSighting } from "./inventory.ts";
import { namesOf } from "./names.ts";
import { hostsIn, noteSlot, placementsIn, type SlotAt } from "./placements.ts";
import { type Bucket, bucketOf, columnsOf, latestOf, pageOfReadings } from "./readings.ts";

/** Buckets dropped by one call of `expire`. */
const EXPIRE_MAX = 1000;

/** Returns the times of a sighting's readings and marks. */
const timesOf = ({ facts, from, to }: Sighting, batch: Batch): number[] =>
  batch.blocks
    .filter(({ gpu }) => gpu === facts.uuid)
    .flatMap((block) => observationsOf(block, batch).map(({ at }) => at))
    .filter((at) => at >= from && at <= to);

/** Of one GPU. Only buckets expire. */
class StoredGpu {
  /** By bucket id. */
  readonly buckets = new Map<string, Bucket>();
  readonly sightings: TimedSighting[] = [];
  readonly observations: Observation[] = [];
  readonly slotAt: SlotAt = new Map();

  /** Returns false if the bucket was there already. */
  add(block: Block, batch: Batch): boolean {
    const id = bucketId(block, batch.series);
    if (this.buckets.has(id)) return false;
    const bucket = bucketOf(block, batch);
    this.buckets.set(id, bucket);
    this.observations.push(...observationsOf(block, batch));
    return true;
  }
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
  const positions = new Map<string, StoredPosition>();
  const metricNames = new Set<string>();
  const onDiffering = createDifferingCounter(metrics);
  const bucketsOf = (gpu: GpuUuid): readonly Bucket[] => [...(stored.get(gpu)?.buckets.values() ?? [])];

  const gpuFor = (uuid: GpuUuid): StoredGpu => {
    const gpu = stored.get(uuid) ?? new StoredGpu();
    stored.set(uuid, gpu);
    return gpu;
  };
  const present = () => lastPresentTime(clock.now());
  const allHolds = (uuid: GpuUuid): Hold[] => holdsOf(uuid, stored.get(uuid)?.observations ?? [], present());
  const listed = (): { readonly gpu: Gpu; readonly holds: readonly Hold[] }[] =>
    [...stored].flatMap(([uuid, { sightings }]) => {
      const holds = allHolds(uuid);
      const gpu = gpuOf(sightingsUntil(sightings, present()), holds);
      return gpu === undefined ? [] : [{ gpu, holds }];
    });
  const fleet = (): ReadonlyMap<GpuUuid, SlotAt> =>
    new Map([...stored].map(([uuid, { slotAt }]) => [uuid, new Map([...slotAt].filter(([at]) => at <= present()))]));

  return {
    async save(batches, { positions: ends = [], signal } = {}) {
      signal?.throwIfAborted();
      checkSightings(batches);
      const cutoff = oldestKept(clock, retentionMs);
      const outcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };
      const sightingsOfNewBuckets: TimedSighting[] = [];
      for (const batch of batches) {
        const sighted = new Set<GpuUuid>();
        const withNewBucket = new Set<GpuUuid>();
        for (const block of batch.blocks) {
          for (const index of block.to < cutoff ? [] : block.series)
            metricNames.add(metricOf(batch.series[index] as Series));
          if (block.to < cutoff) {
            outcome.tooOld += block.readings;
            continue;
          }
          sighted.add(block.gpu);
          const isNew = gpuFor(block.gpu).add(block, batch);
          if (isNew) withNewBucket.add(block.gpu);
          outcome[isNew ? "buckets" : "duplicateBuckets"] += 1;
          outcome[isNew ? "readings" : "duplicateReadings"] += block.readings;
        }
        for (const sighting of batch.sightings) {
          const { uuid } = sighting.facts;
          const times = timesOf(sighting, batch);
          if (sighted.has(uuid)) gpuFor(uuid).sightings.push({ sighting, times });
          if (withNewBucket.has(uuid)) sightingsOfNewBuckets.push({ sighting, times });
        }
      }
      for (const { sighting, times } of sightingsOfNewBuckets.sort((a, b) => a.sighting.from - b.sighting.from)) {
        noteSlot(gpuFor(sighting.facts.uuid).slotAt, sighting, times);
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

    async *columns(gpus, query) {
      for (const gpu of new Set(gpus)) {
        query.signal?.throwIfAborted();
        const columns = columnsOf(bucketsOf(gpu), query, onDiffering);
        if (columns.length > 0) yield { gpu, columns };
      }
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
      return dropped;
    },

    gpus: async (query) => pageOfGpus(listed(), query),
    gpusByUuid: async (uuids) =>
      listed()
        .map(({ gpu }) => gpu)
        .filter(({ uuid }) => uuids.includes(uuid)),
    hosts: async () => hostsIn(fleet()),

    async holds(gpus, window, { max, signal }) {
      signal?.throwIfAborted();
      return answersThatFit(
        gpus,
        max,
        (gpu) => holdsWithin(allHolds(gpu), window),
        ({ length }) => length,
      );
    },
    workloads: async (query) => pageOfWorkloads([...stored.keys()].flatMap(allHolds), query),
    placements: async (of, { from, to }) =>
      placementsIn(fleet())
        .filter((placement) => ("gpu" in of ? placement.gpu === of.gpu : placement.host === of.host))
        .filter((placement) => placement.from < to && placement.to >= from)
        .slice(0, PLACEMENTS_MAX),

    names: async (kind, { startsWith = "", limit, signal }) => {
      signal?.throwIfAborted();
      const found = kind === "metric" ? metricNames : namesOf(kind, listed(), placementsIn(fleet()));
      return [...new Set(found)]
        .filter((name) => name !== "" && name.startsWith(startsWith))
        .sort()
        .slice(0, limit);
    },

    ping: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
