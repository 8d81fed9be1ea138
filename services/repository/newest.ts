/** Finds the newest reading of each series of one GPU. */
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { Reading, Series } from "../../schema/model/reading.ts";
import { type BucketReader, firstTickFrom, isWithoutHolder, stronger } from "./bucket.ts";

/**
 * Ignores readings after `last`. Pulls buckets in descending order of `to` until no further bucket can have a newer
 * reading of a wanted series. Returns the readings in ascending order of series. If buckets have different values for
 * one series and time, `stronger` decides.
 */
export function* newestReadings(gpu: GpuUuid, wanted: ReadonlySet<Series>, last: number): BucketReader<Reading[]> {
  const found = new Map<Series, Reading & { readonly isWithoutHolder: boolean }>();
  const open = new Set(wanted);
  for (let bucket = yield; bucket !== undefined; bucket = yield) {
    for (const series of open) {
      const at = found.get(series)?.at;
      if (at !== undefined && at > bucket.to) open.delete(series);
    }
    if (open.size === 0) break;
    if (!bucket.series.some((series) => open.has(series))) continue;
    const { at, values } = bucket.unpack();
    for (const [column, series] of bucket.series.entries()) {
      if (!open.has(series)) continue;
      const cells = values[column] as Float64Array;
      let tick = bucket.to > last ? firstTickFrom(at, last + 1) - 1 : at.length - 1;
      while (tick >= 0 && Number.isNaN(cells[tick])) tick--;
      if (tick < 0) continue;
      const known = found.get(series);
      const time = at[tick] as number;
      if (known !== undefined && time < known.at) continue;
      const value = cells[tick] as number;
      const reading = { gpu, series, at: time, value, isWithoutHolder: isWithoutHolder(bucket, column, tick) };
      found.set(series, known === undefined || time > known.at ? reading : stronger(known, reading));
    }
  }
  return [...found.values()].sort(bySeries).map(({ isWithoutHolder: _, ...reading }) => reading);
}

export const bySeries = (a: Reading, b: Reading): number => (a.series < b.series ? -1 : 1);
