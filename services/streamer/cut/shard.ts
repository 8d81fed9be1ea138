/** Assigns hosts to shards, from their names alone, so that all streamers agree. */
import { fnv1a } from "../../../schema/model/fnv1a.ts";

/** Returns the host's shard, from 0 to `shards` - 1. The hash is mixed: its low bits must depend on the whole name. */
export function shardOf(host: string, shards: number): number {
  let hash = fnv1a(host);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % shards;
}
