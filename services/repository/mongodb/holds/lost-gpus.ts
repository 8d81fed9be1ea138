/**
 * Decides which GPUs are lost: those without a reading for several of their usual intervals while a sibling reports.
 */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { LOST_INTERVALS, USUAL_DISTANCES, usualIntervalMs } from "../../placements.ts";
import type { CallOptions, Link } from "../connection/link.ts";
import type { Buckets } from "../readings/buckets.ts";

export interface Silence {
  readonly gpu: GpuUuid;
  /** Time of the last reading; may be a minute behind. */
  readonly last: number;
  /** Time of the last reading of any GPU of the host. */
  readonly present: number;
  /** The last time that counts as now. */
  readonly until: number;
}

/** Reads the newest times of a GPU if a sibling has reported later. */
export async function isLost(
  { call }: Link,
  buckets: Buckets,
  { gpu, last, present, until }: Silence,
  options: CallOptions,
): Promise<boolean> {
  if (present <= last) return false;
  const times = await call((signal) => buckets.newestTimes(gpu, USUAL_DISTANCES + 1, until, signal), options);
  return present - Math.max(last, times.at(-1) ?? last) > LOST_INTERVALS * usualIntervalMs(times);
}
