/** Finds the newest readings of many GPUs, several GPUs at a time. */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Reading, Series } from "../../../../schema/model/reading.ts";
import { metricOf } from "../../../../schema/model/series.ts";
import { type Bucket, readBucketsAsync } from "../../bucket.ts";
import { newestReadings } from "../../newest.ts";
import type { TelemetryRepository } from "../../port.ts";
import { type Link, reading } from "../connection/link.ts";
import type { Collections, GpuDocument } from "../documents.ts";
import { type Buckets, hourSpan } from "./buckets.ts";
import { seriesOfField } from "./field-names.ts";

/** Number of GPUs in one query of the inventory. */
const SLICE = 1000;
/** GPUs read concurrently; each takes a connection. */
const ABREAST = 8;
/** Documents per round trip: the newest bucket nearly always has every series. */
const FETCH = 2;

export function createLatest({ call }: Link, { gpus }: Collections, buckets: Buckets): TelemetryRepository["latest"] {
  async function* bucketsOf(gpu: GpuUuid, hours: readonly number[], signal: AbortSignal): AsyncGenerator<Bucket> {
    for (const hour of hours) yield* buckets.newestFirst(gpu, hourSpan(hour), { signal, fetch: FETCH });
  }

  const latestOf = (
    { _id: gpu, newest }: Pick<GpuDocument, "_id" | "newest">,
    asksFor: (series: Series) => boolean,
    signal: AbortSignal,
  ): Promise<Reading[]> => {
    const hours = new Set<number>();
    const wanted = new Set<Series>();
    for (const [field, hour] of Object.entries(newest)) {
      const series = seriesOfField(field);
      if (!asksFor(series)) continue;
      wanted.add(series);
      hours.add(hour.getTime());
    }
    const newestHours = [...hours].sort((a, b) => b - a);
    return readBucketsAsync(newestReadings(gpu, wanted), bucketsOf(gpu, newestHours, signal));
  };

  return async (uuids, { metrics, signal } = {}) => {
    const names = metrics && new Set(metrics);
    const asksFor = (series: Series) => names === undefined || names.has(metricOf(series));
    const latest = new Map<GpuUuid, readonly Reading[]>(uuids.map((uuid) => [uuid, []]));
    const asked = [...latest.keys()];
    for (let start = 0; start < asked.length; start += SLICE) {
      const slice = asked.slice(start, start + SLICE);
      const known = await call(
        (callSignal) =>
          gpus.find({ _id: { $in: slice } }, { ...reading(callSignal), projection: { newest: 1 } }).toArray(),
        { signal },
      );
      const next = known.values();
      const work = async () => {
        for (const gpu of next) {
          latest.set(gpu._id, await call((callSignal) => latestOf(gpu, asksFor, callSignal), { signal }));
        }
      };
      await Promise.all(Array.from({ length: ABREAST }, work));
    }
    return latest;
  };
}
