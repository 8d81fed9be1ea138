/** Assigns hosts to shards, from their names alone, so that all streamers agree. */
import { mixedHash } from "../../../schema/model/fnv1a.ts";

/** Returns the host's shard, from 0 to `shards` - 1. */
export const shardOf = (host: string, shards: number): number => mixedHash(host) % shards;
