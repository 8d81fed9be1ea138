/** Streams the buckets of one GPU, and finds the times of readings nearest to a given time. */
import type { Filter, Sort } from "mongodb";
import { BLOCK_SPAN_MS, hourStartMs, nextHourStartMs } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Span } from "../../bucket.ts";
import { reading } from "../connection/link.ts";
import type { BucketDocument, Collections } from "../documents.ts";
import { bucketOf, dateOf, type StoredBucket } from "./bucket-documents.ts";
import type { SeriesLists } from "./series-lists.ts";

export interface Reach {
  readonly signal: AbortSignal;
  /** Documents per round trip. */
  readonly fetch: number;
  /** Time limit of the call, ms; default: that of any call. */
  readonly limitMs?: number;
  /** Only buckets with a column of one of these field names; default: all. */
  readonly fields?: readonly string[];
}

export interface Buckets {
  /** Yields buckets that overlap the span, in descending order of `to`. */
  newestFirst(gpu: GpuUuid, span: Span, reach: Reach): AsyncIterable<StoredBucket>;
  /** Yields the same buckets in ascending order of `from`. */
  oldestFirst(gpu: GpuUuid, span: Span, reach: Reach): AsyncIterable<StoredBucket>;
  /** Yields the buckets of several GPUs that overlap the span, in no particular order. */
  ofGpus(gpus: readonly GpuUuid[], span: Span, reach: Reach): AsyncIterable<readonly [GpuUuid, StoredBucket]>;
  /** Returns those of the GPUs that were first seen before the time, as far as saves have come to their end. */
  gpusBefore(gpus: readonly GpuUuid[], time: number, signal: AbortSignal): Promise<readonly GpuUuid[]>;
  /** Returns the newest `count` times of readings up to `until`, ascending. */
  newestTimes(gpu: GpuUuid, count: number, until: number, signal: AbortSignal): Promise<number[]>;
  /** Returns the last time of a reading in `[earliest, time)`. */
  tickBefore(gpu: GpuUuid, time: number, earliest: number, signal: AbortSignal): Promise<number | undefined>;
  /** Returns the first time of a reading in `(time, latest]`. */
  tickAfter(gpu: GpuUuid, time: number, latest: number, signal: AbortSignal): Promise<number | undefined>;
}

export function createBuckets({ points, gpus }: Collections, lists: SeriesLists): Buckets {
  // No bucket crosses the start of an hour, which bounds both ends of the index scan.
  const touching = (gpu: GpuUuid, { from, to }: Span): Filter<BucketDocument> => ({
    gpu,
    from: { $gte: dateOf(hourStartMs(from)), $lte: dateOf(to) },
    to: { $gte: dateOf(from), $lt: dateOf(nextHourStartMs(to)) },
  });
  const find = (filter: Filter<BucketDocument>, sort: Sort, { signal, fetch, limitMs }: Reach) =>
    points.find(filter, { ...reading(signal, limitMs), sort, batchSize: fetch, projection: { gpu: 0 } });

  async function* stream(filter: Filter<BucketDocument>, sort: Sort, reach: Reach): AsyncGenerator<StoredBucket> {
    await using cursor = find(filter, sort, reach);
    for await (const document of cursor) yield bucketOf(document, lists);
  }

  /** Yields the times of each bucket, without values. */
  async function* times(filter: Filter<BucketDocument>, sort: Sort, signal: AbortSignal) {
    await using cursor = points.find<Pick<BucketDocument, "from" | "to" | "at">>(filter, {
      ...reading(signal),
      sort,
      batchSize: 16,
      projection: { _id: 0, from: 1, to: 1, at: 1 },
    });
    for await (const { from, to, at } of cursor) yield { from: from.getTime(), to: to.getTime(), at };
  }

  return {
    newestFirst(gpu, span, reach) {
      const { fields } = reach;
      const columns = fields && { $or: fields.map((field) => ({ [`series.${field}`]: { $exists: true } })) };
      return stream({ ...touching(gpu, span), ...columns }, { to: -1 }, reach);
    },
    oldestFirst: (gpu, span, reach) => stream(touching(gpu, span), { from: 1 }, reach),
    async *ofGpus(gpus, { from, to }, { signal, fetch, limitMs }) {
      const filter = {
        gpu: { $in: gpus as GpuUuid[] },
        from: { $lte: dateOf(to) },
        to: { $gte: dateOf(from), $lt: dateOf(nextHourStartMs(to)) },
      };
      await using cursor = points.find(filter, { ...reading(signal, limitMs), batchSize: fetch });
      for await (const document of cursor) yield [document.gpu, bucketOf(document, lists)] as const;
    },
    async gpusBefore(uuids, time, signal) {
      const filter = { _id: { $in: uuids as GpuUuid[] }, firstSeen: { $lt: dateOf(time) } };
      const found = await gpus.find(filter, { ...reading(signal), projection: { _id: 1 } }).toArray();
      return found.map(({ _id }) => _id);
    },
    async newestTimes(gpu, count, until, signal) {
      let newest: number[] = [];
      const span = { from: Number.NEGATIVE_INFINITY, to: until };
      for await (const { from, to, at } of times(touching(gpu, span), { to: -1 }, signal)) {
        if (newest.length === count && to < (newest[0] as number)) break;
        const counted = at.map((offset) => from + offset).filter((time) => time <= until);
        const all = new Set([...newest, ...counted.slice(-count)]);
        newest = [...all].sort((a, b) => a - b).slice(-count);
      }
      return newest;
    },
    async tickBefore(gpu, time, earliest, signal) {
      let found = Number.NEGATIVE_INFINITY;
      // First come the buckets that span `time`, then the one that ends last before it.
      for await (const { from, to, at } of times(touching(gpu, { from: earliest, to: time - 1 }), { to: -1 }, signal)) {
        const tick = to < time ? to : from + (at.findLast((offset) => from + offset < time) as number);
        found = Math.max(found, tick);
        if (to < time) break;
      }
      return found >= earliest ? found : undefined;
    },
    async tickAfter(gpu, time, latest, signal) {
      let found = Number.POSITIVE_INFINITY;
      for await (const { from, at } of times(touching(gpu, { from: time + 1, to: latest }), { from: 1 }, signal)) {
        const tick = from > time ? from : from + (at.find((offset) => from + offset > time) as number);
        found = Math.min(found, tick);
        if (from > time) break;
      }
      return found <= latest ? found : undefined;
    },
  };
}

/** Returns the span of the hour that begins at `hour`. */
export const hourSpan = (hour: number): Span => ({ from: hour, to: hour + BLOCK_SPAN_MS - 1 });
