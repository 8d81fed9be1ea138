/** Finds the newest readings of many GPUs, slice by slice, and yields to other work in between. */
import { setImmediate } from "node:timers/promises";
import { BLOCK_SPAN_MS, hourStartMs } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { type Bucket, readBuckets } from "../bucket.ts";
import { bySeries, newestReadings } from "../newest.ts";
import type { TelemetryRepository } from "../port.ts";
import type { GpuKey } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { Tables } from "./tables.ts";

/** Number of GPUs read in one snapshot, which takes about 5 ms. */
const SLICE = 100;

/** @param lastPresent returns the last time that counts as now */
export function createLatest(
  database: Database,
  { seriesLists, buckets, stale }: Pick<Tables, "seriesLists" | "buckets" | "stale">,
  lastPresent: () => number,
): TelemetryRepository["latest"] {
  const find = database.prepare(
    `SELECT gpus.id, list, newest_hour FROM gpus JOIN gpu_lists ON gpu = gpus.id
     WHERE uuid = ? ORDER BY newest_hour DESC`,
  );

  function* bucketsOf(gpu: GpuKey, hours: ReadonlySet<number>, last: number): Generator<Bucket> {
    for (const hour of hours) {
      yield* buckets.newestFirst(gpu, { from: hour, to: Math.min(hour + BLOCK_SPAN_MS - 1, last) });
    }
  }

  const latestOf = (uuid: GpuUuid, asksFor: (series: Series) => boolean, last: number): Reading[] => {
    const rows = find.all(uuid) as [number, number, number][];
    const [first] = rows;
    if (first === undefined) return [];
    const gpu: GpuKey = { id: first[0], uuid };
    const presentHour = hourStartMs(last);
    // The newest reading of a series is in the newest hour of one of the lists that contain it.
    const hourOf = new Map<Series, number>();
    for (const [, list, hour] of rows) {
      for (const series of seriesLists.seriesOf(list)) {
        if (!hourOf.has(series) && asksFor(series)) hourOf.set(series, Math.min(hour, presentHour));
      }
    }
    const wanted = new Set(hourOf.keys());
    const found = readBuckets(newestReadings(uuid, wanted, last), bucketsOf(gpu, new Set(hourOf.values()), last));
    for (const { series, at } of found) if (at >= (hourOf.get(series) as number)) hourOf.delete(series);
    // The newest hours of these series have expired, or have only marks and readings ahead. The reading before those
    // may be of any hour.
    const oldest = stale.expiredBefore() - BLOCK_SPAN_MS;
    const missing = new Set([...hourOf].flatMap(([series, hour]) => (hour > oldest ? [series] : [])));
    if (missing.size === 0) return found;
    const lists = rows.map(([, list]) => list).filter((list) => seriesLists.seriesOf(list).some((s) => missing.has(s)));
    const span = { from: Number.NEGATIVE_INFINITY, to: presentHour - 1 };
    const older = readBuckets(newestReadings(uuid, missing, last), buckets.newestFirst(gpu, span, lists));
    return [...found.filter(({ series }) => !missing.has(series)), ...older].sort(bySeries);
  };

  return async (gpus, { metrics, signal } = {}) => {
    const names = metrics && new Set(metrics);
    const asksFor = (series: Series) => names === undefined || names.has(metricOf(series));
    const last = lastPresent();
    const latest = new Map<GpuUuid, readonly Reading[]>();
    for (let start = 0; start < gpus.length; start += SLICE) {
      if (start > 0) await setImmediate();
      const slice = gpus.slice(start, start + SLICE);
      const readings = await database.read(() => slice.map((uuid) => latestOf(uuid, asksFor, last)), { signal });
      for (const [index, uuid] of slice.entries()) latest.set(uuid, readings[index] as Reading[]);
    }
    return latest;
  };
}
