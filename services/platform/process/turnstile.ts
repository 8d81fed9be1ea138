/** Admits work in the order of arrival while there is room for it, so that the memory of a process is bounded. */
import { AppError } from "../../../schema/model/errors.ts";
import type { Clock } from "./clock.ts";

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
  readonly admit: (pass: Pass) => void;
}

const RETRY_AFTER_MS = 1000;

export class Turnstile {
  readonly #options: TurnstileOptions;
  readonly #queue = new Set<Waiting>();
  #inside = 0;

  constructor(options: TurnstileOptions) {
    this.#options = options;
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
   * Resolves when there is room for `weight`, and every earlier caller has been admitted. More than the capacity is
   * admitted alone.
   * @throws AppError `overloaded` if too many wait, or the wait is too long; `unavailable` when the signal aborts
   */
  enter(weight: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Pass> {
    if (this.#queue.size === 0 && this.#fits(weight)) return Promise.resolve(this.#admit(weight));
    if (this.#queue.size >= this.#options.maxWaiting) return Promise.reject(this.#refusal());
    return this.#wait(weight, signal);
  }

  async #wait(weight: number, signal: AbortSignal | undefined): Promise<Pass> {
    const { clock, waitMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Pass>();
    const over = new AbortController();
    const waiting: Waiting = { weight, admit: resolve };
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

  #admit(weight: number): Pass {
    let held = weight;
    let isHeld = true;
    this.#inside += weight;
    const resize = (next: number) => {
      if (!isHeld) return;
      this.#inside += next - held;
      held = next;
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
      if (!this.#fits(waiting.weight)) return;
      this.#queue.delete(waiting);
      waiting.admit(this.#admit(waiting.weight));
    }
  }

  #refusal(): AppError {
    const { capacity, noun } = this.#options;
    const message = `Answers under way hold ${capacity.toLocaleString("en-US")} ${noun}: try again later, or ask for less`;
    return new AppError(message, { code: "overloaded", retryAfterMs: RETRY_AFTER_MS });
  }
}
