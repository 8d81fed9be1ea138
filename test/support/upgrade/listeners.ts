/** Subscribers of the live feed, of this release or the previous one, that count the readings they get. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import type { RedisConfig } from "../../../services/platform/redis/config.ts";

interface Frame {
  readonly readings: readonly { readonly gpu: string; readonly series: string; readonly at: number }[];
  readonly missed: number;
}

/** The part of a release that opens its live feed. */
export interface LiveFeedModule {
  openLiveFeed(
    config: object,
  ): Promise<
    AsyncDisposable & { subscribe(options: { minIntervalMs: number }): Promise<AsyncIterableIterator<Frame>> }
  >;
}

export interface Listener extends AsyncDisposable {
  /** Distinct readings in frames. */
  readonly told: number;
  /** Readings that were in an earlier frame. */
  readonly twice: number;
  /** Readings that frames count as left out. */
  readonly missed: number;
}

/** Resolves once the subscription is active. */
export async function listenTo({ openLiveFeed }: LiveFeedModule, redis: RedisConfig): Promise<Listener> {
  const feed = await openLiveFeed({ kind: "redis", redis, clock: systemClock, log: silentLogger });
  const frames = await feed.subscribe({ minIntervalMs: 0 });
  const told = new Set<string>();
  let twice = 0;
  let missed = 0;
  const listen = async (): Promise<void> => {
    for await (const frame of frames) {
      missed += frame.missed;
      for (const { gpu, series, at } of frame.readings) {
        const key = `${gpu} ${series} ${at}`;
        if (told.has(key)) twice++;
        told.add(key);
      }
    }
  };
  const listening = listen();
  return {
    get told() {
      return told.size;
    },
    get twice() {
      return twice;
    },
    get missed() {
      return missed;
    },
    async [Symbol.asyncDispose]() {
      await feed[Symbol.asyncDispose]();
      await listening;
    },
  };
}
