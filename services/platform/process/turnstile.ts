/**
 * Admits work in the order of arrival while there is room for it, so that the memory of a process is bounded. No client
 * gets all of the room while others wait for some.
 */
import { AppError } from "../../../schema/model/errors.ts";
import type { Clock } from "./clock.ts";
import { Shares } from "./shares.ts";

export interface TurnstileOptions {
  /** The sum of the weights that may be inside at once. */
  readonly capacity: number;
  /** What the weights count, for errors: "readings". */
  readonly noun: string;
  /** How many may wait. */
  readonly maxWaiting: number;
  /** How long one may wait. */
  readonly waitMs: number;
  readonly clock: Clock;
}

/** What work holds of a turnstile until it is disposed. */
export interface Pass extends Disposable {
  readonly weight: number;
  /** Changes the weight without waiting. Work that holds a pass and waited for more could wait for itself. */
  resize(weight: number): void;
}

interface Waiting {
  readonly weight: number;
  readonly client: string;
  readonly admit: (pass: Pass) => void;
}

const RETRY_AFTER_MS = 1000;
/** The part of the capacity that the work of one client may have, if it has more than one piece of work inside. */
const CLIENT_SHARE = 0.5;

export class Turnstile {
  readonly #options: TurnstileOptions;
  readonly #queue = new Set<Waiting>();
  readonly #places: Shares;
  /** The sum of the weights inside, by client. */
  readonly #held = new Map<string, number>();
  #inside = 0;

  constructor(options: TurnstileOptions) {
    this.#options = options;
    this.#places = new Shares({ places: options.maxWaiting, noun: "places" });
  }

  /** The sum of the weights inside. */
  get inside(): number {
    return this.#inside;
  }

  /** Number of those that wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Resolves when there is room for `weight`, and every earlier caller has been admitted, except those whose client has
   * its share of the room. More than the capacity is admitted alone.
   * @param options.client on whose behalf the work is done; without one, there is no share
   * @throws AppError `overloaded` if too many wait, of all clients or of this one, or the wait is too long;
   *   `unavailable` when the signal aborts
   */
  async enter(
    weight: number,
    { client = "", signal }: { client?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Pass> {
    const asked = { weight, client };
    if (this.#fits(weight) && !this.#hasShare(asked) && this.#isFirst()) return this.#admit(asked);
    const leave = this.#places.take(client);
    if (leave === null) throw this.#refusal();
    try {
      return await this.#wait(asked, signal);
    } finally {
      leave();
    }
  }

  async #wait(asked: Omit<Waiting, "admit">, signal: AbortSignal | undefined): Promise<Pass> {
    const { clock, waitMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Pass>();
    const over = new AbortController();
    const waiting: Waiting = { ...asked, admit: resolve };
    const refuse = (error: AppError) => {
      if (!this.#queue.delete(waiting)) return;
      reject(error);
      // A lighter caller may have waited behind this one.
      this.#admitNext();
    };
    const leave = () => refuse(new AppError("The caller disconnected before the answer", { code: "unavailable" }));
    this.#queue.add(waiting);
    signal?.addEventListener("abort", leave, { once: true });
    if (signal?.aborted) leave();
    void clock.sleep(waitMs, { signal: over.signal }).then(() => refuse(this.#refusal()));
    try {
      return await promise;
    } finally {
      over.abort();
      signal?.removeEventListener("abort", leave);
    }
  }

  #fits(weight: number): boolean {
    return this.#inside === 0 || this.#inside + weight <= this.#options.capacity;
  }

  /** Whether the client has work inside, and this would make it more than the client's share. */
  #hasShare({ weight, client }: Omit<Waiting, "admit">): boolean {
    const held = this.#held.get(client) ?? 0;
    return client !== "" && held > 0 && held + weight > CLIENT_SHARE * this.#options.capacity;
  }

  /** Whether all who wait do so because their clients have their shares. */
  #isFirst(): boolean {
    for (const waiting of this.#queue) if (!this.#hasShare(waiting)) return false;
    return true;
  }

  #admit({ weight, client }: Omit<Waiting, "admit">): Pass {
    let held = 0;
    let isHeld = true;
    const hold = (next: number) => {
      this.#inside += next - held;
      const all = (this.#held.get(client) ?? 0) + next - held;
      if (all === 0) this.#held.delete(client);
      else this.#held.set(client, all);
      held = next;
    };
    hold(weight);
    const resize = (next: number) => {
      if (!isHeld) return;
      hold(next);
      this.#admitNext();
    };
    return {
      get weight() {
        return held;
      },
      resize,
      [Symbol.dispose]: () => {
        resize(0);
        isHeld = false;
      },
    };
  }

  #admitNext(): void {
    for (const waiting of this.#queue) {
      if (this.#hasShare(waiting)) continue;
      if (!this.#fits(waiting.weight)) return;
      this.#queue.delete(waiting);
      waiting.admit(this.#admit(waiting));
    }
  }

  #refusal(): AppError {
    const { capacity, noun } = this.#options;
    const message = `Answers under way hold ${capacity.toLocaleString("en-US")} ${noun}: try again later, or ask for less`;
    return new AppError(message, { code: "overloaded", retryAfterMs: RETRY_AFTER_MS });
  }
}
