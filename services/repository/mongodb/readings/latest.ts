/** Finds the newest readings of many GPUs, several GPUs at a time. */
import { hourStartMs } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Reading, Series } from "../../../../schema/model/reading.ts";
import { metricOf } from "../../../../schema/model/series.ts";
import { type Bucket, readBucketsAsync } from "../../bucket.ts";
import { bySeries, newestReadings } from "../../newest.ts";
import type { TelemetryRepository } from "../../port.ts";
import { type Link, reading } from "../connection/link.ts";
import type { Collections, GpuDocument } from "../documents.ts";
import { type Buckets, hourSpan } from "./buckets.ts";
import { fieldOf, seriesOfField } from "./field-names.ts";

/** Number of GPUs in one query of the inventory. */
const SLICE = 1000;
/** GPUs read concurrently; each takes a connection. */
const ABREAST = 8;
/** Documents per round trip: the newest bucket nearly always has every series. */
const FETCH = 2;

/** @param lastPresent returns the last time that counts as now */
export function createLatest(
  { call }: Link,
  { gpus }: Collections,
  buckets: Buckets,
  lastPresent: () => number,
): TelemetryRepository["latest"] {
  async function* bucketsOf(
    gpu: GpuUuid,
    hours: readonly number[],
    last: number,
    signal: AbortSignal,
  ): AsyncGenerator<Bucket> {
    for (const hour of hours) {
      const { from, to } = hourSpan(hour);
      yield* buckets.newestFirst(gpu, { from, to: Math.min(to, last) }, { signal, fetch: FETCH });
    }
  }

  const latestOf = async (
    { _id: gpu, newest }: Pick<GpuDocument, "_id" | "newest">,
    asksFor: (series: Series) => boolean,
    last: number,
    signal: AbortSignal,
  ): Promise<Reading[]> => {
    const hourOf = new Map<Series, number>();
    const presentHour = hourStartMs(last);
    for (const [field, hour] of Object.entries(newest)) {
      const series = seriesOfField(field);
      if (asksFor(series)) hourOf.set(series, Math.min(hour.getTime(), presentHour));
    }
    const newestHours = [...new Set(hourOf.values())].sort((a, b) => b - a);
    const wanted = new Set(hourOf.keys());
    const found = await readBucketsAsync(newestReadings(gpu, wanted, last), bucketsOf(gpu, newestHours, last, signal));
    for (const { series, at } of found) if (at >= (hourOf.get(series) as number)) hourOf.delete(series);
    const missing = new Set(hourOf.keys());
    if (missing.size === 0) return found;
    // In their newest hours, these series have only readings ahead, or marks. The reading before may be of any hour.
    const span = { from: Number.NEGATIVE_INFINITY, to: last };
    const reach = { signal, fetch: FETCH, fields: [...missing].map(fieldOf) };
    const older = await readBucketsAsync(newestReadings(gpu, missing, last), buckets.newestFirst(gpu, span, reach));
    return [...found.filter(({ series }) => !missing.has(series)), ...older].sort(bySeries);
  };

  return async (uuids, { metrics, signal } = {}) => {
    const names = metrics && new Set(metrics);
    const asksFor = (series: Series) => names === undefined || names.has(metricOf(series));
    const last = lastPresent();
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
          latest.set(gpu._id, await call((callSignal) => latestOf(gpu, asksFor, last, callSignal), { signal }));
        }
      };
      await Promise.all(Array.from({ length: ABREAST }, work));
    }
    return latest;
  };
}
