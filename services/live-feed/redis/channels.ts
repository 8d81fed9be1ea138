/** Which channel tells of which GPU: the same in every process. */
import { fnv1a } from "../../../schema/model/fnv1a.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";

/**
 * One per GPU would cost a message per GPU and tick, one for all would bring every reading to every process; patterns
 * cost at every publication, whoever listens.
 */
export const CHANNELS = 64;

/** From 0 to 63. */
export function channelOf(gpu: GpuUuid): number {
  const hash = fnv1a(gpu);
  return ((hash ^ (hash >>> 16)) >>> 0) % CHANNELS;
}

/** Names by number. Publications cross the databases of one Redis, so a name says which one is meant. */
export const channelNames = (db: number): readonly string[] =>
  Array.from({ length: CHANNELS }, (_, channel) => `live:telemetry:${db}:${channel}`);
