/** A rate limit per client: one token bucket each, in a table of fixed size. */
import type { Clock } from "../../platform/process/clock.ts";

/** Seconds of its rate that an idle client may use at once: enough for a page and its parts. */
const BURST_S = 2;
/** Part of a token by which a sum of fractions may fall short of a whole one. */
const ROUNDING = 1e-9;
/** Clients' worth of tokens that all clients without a bucket of their own share. */
const CROWD = 10;

export interface RateLimit {
  /** Takes one of the client's tokens and returns 0; if there is none, returns the milliseconds until there is. */
  take(client: string): number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export interface RateLimitOptions {
  readonly perSecond: number;
  /** Clients with a bucket of their own. */
  readonly maxClients: number;
  readonly clock: Pick<Clock, "monotonic">;
}

/**
 * A full bucket holds no information, so it makes room for that of another client. While no bucket is full, new clients
 * share one. A flood from more addresses than the table holds therefore slows down other new clients, but gains no
 * tokens, takes none from clients that have a bucket, and costs no more memory.
 */
export function createRateLimit({ perSecond, maxClients, clock }: RateLimitOptions): RateLimit {
  const burst = perSecond * BURST_S;
  // In the order of their last use: the first one had most time to fill.
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
