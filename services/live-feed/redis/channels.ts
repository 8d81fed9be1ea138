/** Assigns GPUs to Redis channels, the same in every process. */
import { fnv1a } from "../../../schema/model/fnv1a.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";

/**
 * Number of channels. One channel per GPU would cost a message per GPU and tick; one channel for all GPUs would send
 * every reading to every process. Pattern subscriptions would cost time at every publication, whether or not they
 * match.
 */
export const CHANNELS = 64;

/** Returns a channel number from 0 to 63. */
export function channelOf(gpu: GpuUuid): number {
  const hash = fnv1a(gpu);
  return ((hash ^ (hash >>> 16)) >>> 0) % CHANNELS;
}

/**
 * Returns the channel names, indexed by channel number. Redis publishes across databases, so a name contains the number
 * of the database.
 */
export const channelNames = (db: number): readonly string[] =>
  Array.from({ length: CHANNELS }, (_, channel) => `live:telemetry:${db}:${channel}`);
