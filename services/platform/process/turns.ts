/**
 * Starts work in turns, so that work that many callers begin at the same time does not block the process: between two
 * turns, the events that have arrived are handled, probes among them.
 */
import { othersAnswered } from "./others-answered.ts";

/** How long one turn should take. */
const TURN_MS = 5;
/** How many starts one turn has at most: the number doubles after turns that were short. */
const MAX_STARTS = 32;
/** One start in four goes to the callers in rotation, so that a caller with much work waits, but does not starve. */
const ROTATION = 4;

interface Waiting {
  readonly start: () => void;
  readonly signal: AbortSignal | undefined;
}

export class Turns {
  /** What each caller waits for, in the order of arrival. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** How many starts a turn has now. What work takes is known only once it is done. */
  #perTurn = 1;
  /** Of the turn that has begun, outside the queue; null: none has begun. */
  #turn: { readonly from: number; starts: number } | null = null;
  #starts = 0;
  #isPumping = false;

  /**
   * Resolves when the work may start, and when the signal aborts. The caller with the fewest waiting calls is served
   * first.
   * @param caller on whose behalf the work is done: a client's address
   */
  async enter(caller: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#waiting.size === 0 && this.#hasTime()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const own = this.#waiting.get(caller);
    const waiting = { start: resolve, signal };
    if (own === undefined) this.#waiting.set(caller, [waiting]);
    else own.push(waiting);
    signal?.addEventListener("abort", resolve as () => void, { once: true });
    void this.#pump();
    await promise;
    signal?.removeEventListener("abort", resolve as () => void);
  }

  #hasTime(): boolean {
    this.#turn ??= this.#begin();
    this.#turn.starts++;
    return this.#turn.starts <= this.#perTurn && performance.now() - this.#turn.from < TURN_MS;
  }

  #begin() {
    setImmediate(() => {
      this.#turn = null;
    });
    return { from: performance.now(), starts: 0 };
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    await othersAnswered();
    while (this.#waiting.size > 0) {
      const from = performance.now();
      for (let start = 0; start < this.#perTurn; start++) this.#startNext();
      await othersAnswered();
      const isShort = performance.now() - from < TURN_MS / 2;
      this.#perTurn = isShort ? Math.min(2 * this.#perTurn, MAX_STARTS) : Math.max(1, this.#perTurn >> 1);
    }
    this.#isPumping = false;
  }

  /** Starts one piece of work. Calls whose signal has aborted take no turn. */
  #startNext(): void {
    while (this.#waiting.size > 0) {
      const caller = this.#starts++ % ROTATION === 0 ? this.#first() : this.#least();
      const own = this.#waiting.get(caller) ?? [];
      const next = own.shift();
      // The caller goes to the end of the rotation.
      this.#waiting.delete(caller);
      if (own.length > 0) this.#waiting.set(caller, own);
      if (next?.signal?.aborted) continue;
      next?.start();
      return;
    }
  }

  #first(): string {
    for (const caller of this.#waiting.keys()) return caller;
    return "";
  }

  #least(): string {
    let least = { caller: "", length: Number.POSITIVE_INFINITY };
    for (const [caller, { length }] of this.#waiting) if (length < least.length) least = { caller, length };
    return least.caller;
  }
}
