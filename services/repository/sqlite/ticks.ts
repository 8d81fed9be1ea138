/** Finds the times of stored readings nearest to a given time; unpacks only buckets that span it. */
import { BLOCK_SPAN_MS, hourStartMs } from "../../../schema/batch/batch.ts";
import { firstTickFrom } from "../bucket.ts";
import type { TickFinder } from "../placements.ts";
import type { Buckets, GpuKey } from "./buckets.ts";

export function findTicks(buckets: Buckets, gpu: GpuKey): TickFinder {
  return {
    before(time, earliest) {
      let found = buckets.ends.before(gpu, time) ?? Number.NEGATIVE_INFINITY;
      for (const bucket of buckets.newestFirst(gpu, { from: time, to: time - 1 })) {
        const { at } = bucket.unpack();
        found = Math.max(found, at[firstTickFrom(at, time) - 1] as number);
      }
      return found >= earliest ? found : undefined;
    },
    after(time, latest) {
      let found = Number.POSITIVE_INFINITY;
      const end = buckets.ends.from(gpu, time + 1);
      if (end === undefined) return undefined;
      const hour = hourStartMs(end);
      for (const bucket of buckets.oldestFirst(gpu, { from: time + 1, to: hour + BLOCK_SPAN_MS - 1 })) {
        if (bucket.from > time) {
          found = Math.min(found, bucket.from);
          continue;
        }
        const { at } = bucket.unpack();
        found = Math.min(found, at[firstTickFrom(at, time + 1)] as number);
      }
      return found <= latest ? found : undefined;
    },
  };
}
