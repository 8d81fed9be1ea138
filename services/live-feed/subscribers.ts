/** Owns the subscribers of one process: limits their number, and ends them all on close. */
import { AppError } from "../../schema/model/errors.ts";
import type { Clock } from "../platform/process/clock.ts";
import { Audience } from "./audience.ts";
import type { LiveFrame, LiveSubscription } from "./port.ts";
import { Subscriber } from "./subscriber.ts";

export const closedFeed = () => new AppError("The live feed is closed", { code: "unavailable" });

export interface SubscribersOptions {
  readonly clock: Clock;
  /** Default: 1,000. */
  readonly maxSubscribers?: number | undefined;
}

export class Subscribers implements Disposable {
  readonly audience = new Audience();
  readonly #clock: Clock;
  readonly #maxSubscribers: number;
  readonly #all = new Set<Subscriber>();
  #closed = false;

  constructor({ clock, maxSubscribers = 1000 }: SubscribersOptions) {
    this.#clock = clock;
    this.#maxSubscribers = maxSubscribers;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Admits a new subscriber, which counts at once but gets no readings until `join`. It is removed when it ends.
   * @throws AppError `overloaded` if there are too many subscribers; `unavailable` once closed
   */
  admit(subscription: LiveSubscription): Subscriber {
    if (this.#closed) throw closedFeed();
    if (this.#all.size >= this.#maxSubscribers) {
      throw new AppError(`Subscriptions must be at most ${this.#maxSubscribers}, got one more: try again later`, {
        code: "overloaded",
      });
    }
    const subscriber = new Subscriber(this.#clock, subscription);
    if (subscriber.ended.aborted) return subscriber;
    this.#all.add(subscriber);
    subscriber.ended.addEventListener("abort", () => {
      this.#all.delete(subscriber);
      this.audience.remove(subscriber);
    });
    return subscriber;
  }

  /** Starts passing readings to the subscriber, and returns its frames. */
  join(subscriber: Subscriber): AsyncIterableIterator<LiveFrame> {
    if (!subscriber.ended.aborted) this.audience.add(subscriber);
    return subscriber.frames;
  }

  /** Ends all subscribers. Later calls of `admit` throw. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const subscriber of [...this.#all]) subscriber.end();
  }
}
