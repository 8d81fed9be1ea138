/** Chooses the buckets from which the holds of a GPU are derived again. */
import type { Series } from "../../../schema/model/reading.ts";
import { type Bucket, firstTickFrom } from "../bucket.ts";
import { DISTANCES } from "../holds/silence.ts";
import type { Buckets, GpuKey } from "./buckets.ts";

/** Readings of each series before a change: decisions about gaps reach 21 back, and so do those before them. */
const READINGS = 2 * (DISTANCES + 1);
/** How far back to look for a series that has fewer: one of a longer interval has too few readings to know it by. */
export const LONGEST_MS = 86_400_000;
/** Buckets before the change, a few ms of work, for a GPU with a series that has only just begun. */
const BUCKETS_MAX = 512;

/**
 * Returns the buckets that overlap `[changedAt, until]`, and those before it that tell what each series has said last.
 * @param series those that the GPU has had recently
 */
export function bucketsToDerive(
  buckets: Buckets,
  gpu: GpuKey,
  { changedAt, until, series }: { changedAt: number; until: number; series: readonly Series[] },
): Bucket[] {
  const chosen: Bucket[] = [];
  const missing = new Map(series.map((name) => [name, READINGS]));
  let before = 0;
  for (const bucket of buckets.newestFirst(gpu, { from: Number.NEGATIVE_INFINITY, to: until })) {
    if (bucket.from >= changedAt) {
      chosen.push(bucket);
      continue;
    }
    const isOver = missing.size === 0 || before === BUCKETS_MAX || bucket.to < changedAt - LONGEST_MS;
    if (isOver && bucket.to < changedAt) break;
    before++;
    const columns = bucket.unpack();
    chosen.push({ ...bucket, unpack: () => columns });
    const end = firstTickFrom(columns.at, changedAt);
    for (const [column, name] of bucket.series.entries()) {
      let left = missing.get(name);
      if (left === undefined) continue;
      const cells = columns.values[column] as Float64Array;
      for (let tick = 0; tick < end && left > 0; tick++) if (!Number.isNaN(cells[tick])) left--;
      if (left === 0) missing.delete(name);
      else missing.set(name, left);
    }
  }
  return chosen;
}
