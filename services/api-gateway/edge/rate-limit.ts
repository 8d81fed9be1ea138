/** How often one client may ask: a bucket of tokens for each, in a table that attackers cannot grow. */
import type { Clock } from "../../platform/process/clock.ts";

/** A client that was quiet may ask for so many seconds' worth at once: a page and its parts. */
const BURST_S = 2;
/** Of a token: what sums of fractions may be short of one. */
const ROUNDING = 1e-9;
/** Clients without a bucket of their own share the tokens of so many. */
const CROWD = 10;

export interface RateLimit {
  /** Takes a token of the client: 0, or how long until there is one, in ms. */
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
 * A bucket that is full again says nothing, and makes room for another client's. While none is, newcomers share one:
 * whoever asks from more addresses than the table holds slows down newcomers, but frees itself of nothing, takes
 * nothing from those who were there before, and costs no more memory.
 */
export function createRateLimit({ perSecond, maxClients, clock }: RateLimitOptions): RateLimit {
  const burst = perSecond * BURST_S;
  // In the order in which they were last asked: the first is the one that had most time to fill.
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
