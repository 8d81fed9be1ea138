/** Calls to a queue that may be away: repeated for ever, with jitter, until they are answered. */
import { isAppError } from "../../../schema/model/errors.ts";
import { backoffMs, type Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { WaitReason } from "../progress/summary.ts";

export interface PatienceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onWait: (reason: WaitReason) => void;
  /** Why the queue is away, or that it has not answered yet; null when it answers. */
  readonly onState: (problem: string | null) => void;
}

export class Patience {
  readonly #options: PatienceOptions;
  #failures = 0;
  #everAnswered = false;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** The call's outcome, or undefined when the signal has ended the run. Errors other than `unavailable` go through. */
  async ask<T>(call: () => Promise<T>): Promise<T | undefined> {
    const { signal, onState } = this.#options;
    // A first call to nowhere takes long to fail, and until then nobody knows that it can be done.
    if (!this.#everAnswered && this.#failures === 0) onState("queue has not answered yet");
    while (!signal.aborted) {
      try {
        const outcome = await unlessAborted(call(), signal);
        if (outcome === undefined) return undefined;
        this.#answered();
        return outcome;
      } catch (error) {
        if (!isAppError(error, "unavailable")) throw error;
        await this.#away(error.retryAfterMs, error);
      }
    }
    return undefined;
  }

  /** Waits as long as the queue asked for, because it is full. */
  async full(retryAfterMs: number): Promise<void> {
    const { clock, signal, onWait } = this.#options;
    onWait("full");
    await clock.sleep(retryAfterMs, { signal });
  }

  async #away(retryAfterMs: number | undefined, error: Error): Promise<void> {
    const { clock, log, signal, onWait, onState } = this.#options;
    if (signal.aborted) return;
    if (this.#failures === 0) {
      log.warn("queue is away, trying again until it answers", { error });
      onState(`queue is away: ${error.message}`);
    }
    onWait("unavailable");
    const pause = backoffMs(this.#failures++);
    await clock.sleep(Math.max(retryAfterMs ?? 0, pause), { signal });
  }

  #answered(): void {
    if (this.#failures > 0) this.#options.log.info("queue answers again", { failures: this.#failures });
    else if (this.#everAnswered) return;
    this.#failures = 0;
    this.#everAnswered = true;
    this.#options.onState(null);
  }
}

/** The outcome, or undefined as soon as the signal aborts: nobody waits for a queue that has hung up while stopping. */
function unlessAborted<T>(outcome: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const leave = () => resolve(undefined);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    outcome.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
