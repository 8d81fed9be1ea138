/** Shares targets among several scrapers without a coordinator. */
import { shareOf } from "./schedule.ts";
import type { Target } from "./target.ts";

/** Which of how many scrapers this one is, from 0. */
export interface Shard {
  readonly shard: number;
  readonly shards: number;
}

/**
 * True if this scraper is the one that scrapes the target: the shard with the highest hash of target and shard
 * (rendezvous hashing). Scrapers that know the same number of shards agree, and each target has one. When the number
 * grows by one, only the targets of the new shard move.
 */
export function isOwnTarget({ key }: Target, { shard, shards }: Shard): boolean {
  if (shard >= shards) return false;
  const own = shareOf(`${shard} ${key}`);
  for (let other = 0; other < shards; other++) {
    const share = shareOf(`${other} ${key}`);
    if (share > own || (share === own && other < shard)) return false;
  }
  return true;
}
