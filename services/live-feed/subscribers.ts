/** The subscribers of one process: how many there may be, when each ends, and its frames one by one. */
import { AppError } from "../../schema/model/errors.ts";
import type { Clock } from "../platform/process/clock.ts";
import { Audience } from "./audience.ts";
import type { LiveFrame, LiveSubscription } from "./port.ts";
import { Subscriber } from "./subscriber.ts";

export const closedFeed = () => new AppError("The live feed is closed", { code: "unavailable" });

export interface SubscribersOptions {
  readonly clock: Clock;
  /** Default 1,000. */
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
   * A subscriber that counts but is not told anything before it joins the audience; it leaves when it ends.
   * @throws AppError `overloaded`, `unavailable` once closed
   */
  admit(subscription: LiveSubscription): Subscriber {
    if (this.#closed) throw closedFeed();
    if (this.#all.size >= this.#maxSubscribers) {
      throw new AppError(`Cannot subscribe: ${this.#maxSubscribers} subscriptions are running, which is the most`, {
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

  /** From now on it is told what passes its filter. */
  join(subscriber: Subscriber): AsyncIterableIterator<LiveFrame> {
    if (!subscriber.ended.aborted) this.audience.add(subscriber);
    return subscriber.frames;
  }

  /** Ends all, and admits no more. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const subscriber of [...this.#all]) subscriber.end();
  }
}
