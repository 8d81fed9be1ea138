/** Finds the newest readings of many GPUs, slice by slice, and yields to other work in between. */
import { setImmediate } from "node:timers/promises";
import { BLOCK_SPAN_MS, hourStartMs } from "../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import { type Bucket, readBuckets } from "../bucket.ts";
import { bySeries, missingIn, newestReadings } from "../newest.ts";
import type { TelemetryRepository } from "../port.ts";
import type { Buckets, GpuKey } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { SeriesLists } from "./series-lists.ts";

/** Number of GPUs read in one snapshot, which takes about 5 ms. */
const SLICE = 100;

/** @param lastPresent returns the last time that counts as now */
export function createLatest(
  database: Database,
  seriesLists: SeriesLists,
  buckets: Buckets,
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
    const wanted = new Set<Series>();
    const hours = new Set<number>();
    const perhapsAhead = new Set<Series>();
    for (const [, list, hour] of rows) {
      for (const series of seriesLists.seriesOf(list)) {
        if (wanted.has(series) || !asksFor(series)) continue;
        wanted.add(series);
        hours.add(Math.min(hour, presentHour));
        if (hour >= presentHour) perhapsAhead.add(series);
      }
    }
    const found = readBuckets(newestReadings(uuid, wanted, last), bucketsOf(gpu, hours, last));
    const missing = missingIn(found, perhapsAhead);
    if (missing.size === 0) return found;
    // The readings of these series in their newest hours are ahead. The reading before them may be of any hour.
    const lists = rows.map(([, list]) => list).filter((list) => seriesLists.seriesOf(list).some((s) => missing.has(s)));
    const span = { from: Number.NEGATIVE_INFINITY, to: presentHour - 1 };
    const older = readBuckets(newestReadings(uuid, missing, last), buckets.newestFirst(gpu, span, lists));
    return [...found, ...older].sort(bySeries);
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
