/** The live feed within one process. */
import type { Batch } from "../../schema/batch.ts";
import { AppError } from "../../schema/errors.ts";
import type { Clock } from "../platform/clock.ts";
import { Audience } from "./audience.ts";
import type { LiveFeed, LiveFilter, LiveFrame } from "./port.ts";
import { Subscriber } from "./subscriber.ts";

export interface MemoryLiveFeedOptions {
  readonly clock: Clock;
  /** Default 1,000. */
  readonly maxSubscribers?: number | undefined;
}

class MemoryLiveFeed implements LiveFeed {
  readonly #clock: Clock;
  readonly #maxSubscribers: number;
  readonly #audience = new Audience();
  #closed = false;

  constructor({ clock, maxSubscribers = 1000 }: MemoryLiveFeedOptions) {
    this.#clock = clock;
    this.#maxSubscribers = maxSubscribers;
  }

  async publish(batches: readonly Batch[]): Promise<void> {
    if (this.#closed) throw new AppError("The live feed is closed", { code: "unavailable" });
    if (this.#audience.size > 0) this.#audience.tell(batches);
  }

  subscribe({
    filter = {},
    minIntervalMs,
    signal,
  }: {
    filter?: LiveFilter;
    minIntervalMs: number;
    signal?: AbortSignal | undefined;
  }): AsyncIterableIterator<LiveFrame> {
    if (this.#closed) throw new AppError("The live feed is closed", { code: "unavailable" });
    if (this.#audience.size >= this.#maxSubscribers) {
      throw new AppError(`Cannot subscribe: ${this.#maxSubscribers} subscriptions are running, which is the most`, {
        code: "overloaded",
      });
    }
    const subscriber = new Subscriber(this.#clock, filter, minIntervalMs);
    this.#audience.add(subscriber);
    subscriber.ended.addEventListener("abort", () => this.#audience.remove(subscriber));
    if (signal?.aborted) subscriber.end();
    signal?.addEventListener("abort", () => subscriber.end(), { signal: subscriber.ended });
    return iterate(subscriber);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#audience.endAll();
  }
}

/** `next()` calls are answered one after the other; returning ends those under way. */
function iterate(subscriber: Subscriber): AsyncIterableIterator<LiveFrame> {
  const done: IteratorResult<LiveFrame> = { done: true, value: undefined };
  let last: Promise<unknown> = Promise.resolve();
  return {
    next() {
      const answer = last.then(async () => {
        const value = await subscriber.frame();
        return value === undefined ? done : { done: false as const, value };
      });
      last = answer;
      return answer;
    },
    async return() {
      subscriber.end();
      return done;
    },
    async throw(error) {
      subscriber.end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** More than `maxSubscribers` at once: AppError `overloaded`. Closing ends every subscription. */
export const openMemoryLiveFeed = (options: MemoryLiveFeedOptions): LiveFeed => new MemoryLiveFeed(options);
