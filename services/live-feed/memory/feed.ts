/** The live feed within one process, for the embedded wiring. */
import type { Batch } from "../../../schema/batch/batch.ts";
import type { LiveFeed, LiveFrame, LiveSubscription } from "../port.ts";
import { closedFeed, Subscribers, type SubscribersOptions } from "../subscribers.ts";

class MemoryLiveFeed implements LiveFeed {
  readonly #subscribers: Subscribers;

  constructor(options: SubscribersOptions) {
    this.#subscribers = new Subscribers(options);
  }

  async publish(batches: readonly Batch[]): Promise<void> {
    const { audience, closed } = this.#subscribers;
    if (closed) throw closedFeed();
    if (audience.size > 0) audience.publish(batches);
  }

  async subscribe(options: LiveSubscription): Promise<AsyncIterableIterator<LiveFrame>> {
    return this.#subscribers.join(this.#subscribers.admit(options));
  }

  async ping(): Promise<void> {
    if (this.#subscribers.closed) throw closedFeed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscribers[Symbol.dispose]();
  }
}

/** Opens a live feed. Closing the feed ends every subscription. */
export const openMemoryLiveFeed = (options: SubscribersOptions): LiveFeed => new MemoryLiveFeed(options);
