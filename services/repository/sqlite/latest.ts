/** Finds the newest readings of many GPUs, slice by slice, and yields to other work in between. */
import { setImmediate } from "node:timers/promises";
import { BLOCK_SPAN_MS } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { type Bucket, readBuckets } from "../bucket.ts";
import { newestReadings } from "../newest.ts";
import type { TelemetryRepository } from "../port.ts";
import type { Buckets, GpuKey } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { SeriesLists } from "./series-lists.ts";

/** Number of GPUs read in one snapshot, which takes about 5 ms. */
const SLICE = 100;

export function createLatest(
  database: Database,
  seriesLists: SeriesLists,
  buckets: Buckets,
): TelemetryRepository["latest"] {
  const find = database.prepare(
    `SELECT gpus.id, list, newest_hour FROM gpus JOIN gpu_lists ON gpu = gpus.id
     WHERE uuid = ? ORDER BY newest_hour DESC`,
  );

  function* bucketsOf(gpu: GpuKey, hours: readonly number[]): Generator<Bucket> {
    for (const hour of hours) yield* buckets.newestFirst(gpu, { from: hour, to: hour + BLOCK_SPAN_MS - 1 });
  }

  const latestOf = (uuid: GpuUuid, asksFor: (series: Series) => boolean): Reading[] => {
    const rows = find.all(uuid) as [number, number, number][];
    const [first] = rows;
    if (first === undefined) return [];
    // The newest reading of a series is in the newest hour of one of the lists that contain it.
    const wanted = new Set<Series>();
    const hours = new Set<number>();
    for (const [, list, hour] of rows) {
      for (const series of seriesLists.seriesOf(list)) {
        if (wanted.has(series) || !asksFor(series)) continue;
        wanted.add(series);
        hours.add(hour);
      }
    }
    return readBuckets(newestReadings(uuid, wanted), bucketsOf({ id: first[0], uuid }, [...hours]));
  };

  return async (gpus, { metrics, signal } = {}) => {
    const names = metrics && new Set(metrics);
    const asksFor = (series: Series) => names === undefined || names.has(metricOf(series));
    const latest = new Map<GpuUuid, readonly Reading[]>();
    for (let start = 0; start < gpus.length; start += SLICE) {
      if (start > 0) await setImmediate();
      const slice = gpus.slice(start, start + SLICE);
      const readings = await database.read(() => slice.map((uuid) => latestOf(uuid, asksFor)), { signal });
      for (const [index, uuid] of slice.entries()) latest.set(uuid, readings[index] as Reading[]);
    }
    return latest;
  };
}
