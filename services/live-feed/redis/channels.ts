/** Which channel tells of which GPU: the same in every process. */
import type { GpuUuid } from "../../../schema/model/gpu.ts";

/**
 * One per GPU would cost a message per GPU and tick, one for all would bring every reading to every process; patterns
 * cost at every publication, whoever listens.
 */
export const CHANNELS = 64;

/** FNV-1a over the uuid. */
export function channelOf(gpu: GpuUuid): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < gpu.length; index++) {
    hash = Math.imul(hash ^ gpu.charCodeAt(index), 0x01000193);
  }
  return ((hash ^ (hash >>> 16)) >>> 0) % CHANNELS;
}

/** Names by number. Publications cross the databases of one Redis, so a name says which one is meant. */
export const channelNames = (db: number): readonly string[] =>
  Array.from({ length: CHANNELS }, (_, channel) => `live:telemetry:${db}:${channel}`);
