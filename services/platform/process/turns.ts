/**
 * Begins work one piece after another, so that a burst of it does not block the process: between two pieces, the events
 * that have arrived are handled, probes among them. The client with the least work that waits is served first.
 */
import { AppError } from "../../../schema/model/errors.ts";
import { othersAnswered } from "./others-answered.ts";
import { Shares } from "./shares.ts";

/** How many pieces may wait. One takes a few milliseconds, so the last one waits for some seconds. */
const MAX_WAITING = 1000;
const RETRY_AFTER_MS = 1000;
/** One turn in four goes to the clients in rotation, so that a client with much work waits, but does not starve. */
const ROTATION = 4;

export class Turns {
  /** What each client waits for, in the order of arrival; the clients in the order of their last turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #places = new Shares({ places: MAX_WAITING, noun: "places of operations that wait" });
  #isTaken = false;
  #turns = 0;

  /**
   * Resolves when the work may begin.
   * @param client on whose behalf the work is done: an address
   * @throws AppError `overloaded` if too many wait, of all clients or of this one
   */
  async enter(client: string): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      void this.#beginOthers();
      return;
    }
    const leave = this.#places.take(client);
    if (leave === null) {
      const message = this.#places.refusalOf(client) ?? "";
      throw new AppError(message, { code: "overloaded", retryAfterMs: RETRY_AFTER_MS });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const own = this.#waiting.get(client);
    if (own === undefined) this.#waiting.set(client, [resolve]);
    else own.push(resolve);
    await promise;
    leave();
  }

  async #beginOthers(): Promise<void> {
    for (;;) {
      await othersAnswered();
      const next = this.#next();
      if (next === undefined) break;
      next();
    }
    this.#isTaken = false;
  }

  #next(): (() => void) | undefined {
    const isRotation = this.#turns++ % ROTATION === 0;
    let chosen: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [client, { length }] of this.#waiting) {
      if (length >= least) continue;
      chosen = client;
      least = length;
      if (isRotation || length === 1) break;
    }
    if (chosen === undefined) return undefined;
    const own = this.#waiting.get(chosen) ?? [];
    const next = own.shift();
    // The client goes to the end of the rotation.
    this.#waiting.delete(chosen);
    if (own.length > 0) this.#waiting.set(chosen, own);
    return next;
  }
}
