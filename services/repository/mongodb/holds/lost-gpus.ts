/** Decides which GPUs are lost: those without a reading for several of their usual intervals while a sibling reports. */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { LOST_INTERVALS, USUAL_DISTANCES, usualIntervalMs } from "../../placements.ts";
import type { CallOptions, Link } from "../connection/link.ts";
import type { Buckets } from "../readings/buckets.ts";

/** How many usual intervals to remember. */
const KNOWN_MAX = 20_000;

export interface Silence {
  readonly gpu: GpuUuid;
  /** Time of the last reading; may be a minute behind. */
  readonly last: number;
  /** Time of the last reading of any GPU of the host. */
  readonly present: number;
}

/** Reads the newest readings of a GPU only if it may be lost by the interval that was usual before. */
export function createLostGpus(
  { call }: Link,
  buckets: Buckets,
): (silence: Silence, options: CallOptions) => Promise<boolean> {
  const usual = new Map<GpuUuid, number>();

  /** Returns the newest times, ascending. */
  const newestTimes = (gpu: GpuUuid, options: CallOptions): Promise<number[]> =>
    call(async (signal) => {
      const times = new Set<number>();
      const span = { from: Number.NEGATIVE_INFINITY, to: Number.MAX_SAFE_INTEGER };
      let oldest = Number.NEGATIVE_INFINITY;
      for await (const bucket of buckets.newestFirst(gpu, span, { signal, fetch: USUAL_DISTANCES + 1 })) {
        if (times.size > USUAL_DISTANCES && bucket.to < oldest) break;
        for (const at of bucket.unpack().at.slice(-USUAL_DISTANCES - 1)) times.add(at);
        oldest = [...times].sort((a, b) => b - a)[USUAL_DISTANCES] ?? Number.NEGATIVE_INFINITY;
      }
      return [...times].sort((a, b) => a - b);
    }, options);

  return async ({ gpu, last, present }, options) => {
    if (present - last <= LOST_INTERVALS * (usual.get(gpu) ?? 0)) return false;
    const times = await newestTimes(gpu, options);
    const interval = usualIntervalMs(times);
    if (usual.size === KNOWN_MAX) usual.clear();
    usual.set(gpu, interval);
    return present - Math.max(last, times.at(-1) ?? last) > LOST_INTERVALS * interval;
  };
}
