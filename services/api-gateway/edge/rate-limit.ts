/** Limits the rate of each client: one token bucket per client, in a table of fixed size. */
import type { Clock } from "../../platform/process/clock.ts";

/** The capacity of a bucket, in seconds of the client's rate: enough for a page and its files after an idle time. */
const BURST_S = 2;
/** How far the sum of fractional tokens may fall short of a whole token, due to rounding. */
const ROUNDING = 1e-9;
/** The shared bucket, for all clients without a bucket of their own, has the tokens of this many clients. */
const CROWD = 10;

export interface RateLimit {
  /** Takes a token of the client and returns 0. If it has none, returns the milliseconds until it has one. */
  take(client: string): number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export interface RateLimitOptions {
  readonly perSecond: number;
  /** Maximum number of clients with a bucket of their own. */
  readonly maxClients: number;
  readonly clock: Pick<Clock, "monotonic">;
}

/**
 * A full bucket holds no information, so a new client may replace it. If the table has no place and the bucket that was
 * unused for longest is not full, new clients share one bucket. A flood from more addresses than the table holds
 * therefore slows down other new clients. It gains no tokens by that, takes none from clients that have a bucket, and
 * uses no more memory.
 */
export function createRateLimit({ perSecond, maxClients, clock }: RateLimitOptions): RateLimit {
  const burst = perSecond * BURST_S;
  // The order is that of the last use: the first bucket had most time to fill.
  const buckets = new Map<string, Bucket>();
  const crowd: Bucket = { tokens: burst * CROWD, filledAt: clock.monotonic() };

  const fill = (bucket: Bucket, at: number, share: number) => {
    bucket.tokens = Math.min(burst * share, bucket.tokens + ((at - bucket.filledAt) / 1000) * perSecond * share);
    bucket.filledAt = at;
  };
  const take = (bucket: Bucket, at: number, share = 1): number => {
    fill(bucket, at, share);
    if (bucket.tokens < 1 - ROUNDING) {
      return Math.ceil(((1 - ROUNDING / 2 - bucket.tokens) / (perSecond * share)) * 1000);
    }
    bucket.tokens--;
    return 0;
  };
  const makeRoom = (at: number): boolean => {
    if (buckets.size < maxClients) return true;
    for (const [client, bucket] of buckets) {
      fill(bucket, at, 1);
      return bucket.tokens === burst && buckets.delete(client);
    }
    return false;
  };
  return {
    take(client) {
      const at = clock.monotonic();
      let bucket = buckets.get(client);
      if (bucket === undefined) {
        if (!makeRoom(at)) return take(crowd, at, CROWD);
        bucket = { tokens: burst, filledAt: at };
      } else buckets.delete(client);
      buckets.set(client, bucket);
      return take(bucket, at);
    },
  };
}
