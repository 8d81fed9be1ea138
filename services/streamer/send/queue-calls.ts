/** Calls the queue, and retries through outages until the run ends. */
import { isAppError } from "../../../schema/model/errors.ts";
import { Availability } from "../../platform/process/availability.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { WaitReason } from "../progress/summary.ts";

export interface QueueCallsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the run ends. */
  readonly signal: AbortSignal;
  readonly onWait: (reason: WaitReason) => void;
  /** Called with the reason when the queue becomes unavailable, and with null when it answers. */
  readonly onState: (problem: string | null) => void;
}

export class QueueCalls {
  readonly #options: QueueCallsOptions;
  readonly #availability: Availability;

  constructor(options: QueueCallsOptions) {
    this.#options = options;
    const { clock, log, onState } = options;
    this.#availability = new Availability("queue", {
      clock,
      log,
      // A first call to an unreachable address takes long to fail, and until then the streamer must not be ready.
      requireFirstAnswer: true,
      onChange: (problem) => onState(problem === null ? null : `queue is unavailable: ${problem}`),
    });
  }

  /**
   * Retries the call while the queue is unavailable. Returns undefined once the run's signal aborts, even if the queue
   * has not answered.
   * @throws all other errors of the call
   */
  async untilAnswered<T>(call: () => Promise<T>): Promise<T | undefined> {
    const { signal, onWait } = this.#options;
    if (signal.aborted) return undefined;
    try {
      return await this.#availability.untilAvailable(call, { signal, onRetry: () => onWait("unavailable") });
    } catch (error) {
      if (signal.aborted && isAppError(error, "unavailable")) return undefined;
      throw error;
    }
  }

  /** Waits for the time that a full queue has asked for. */
  async whileFull(retryAfterMs: number): Promise<void> {
    const { clock, signal, onWait } = this.#options;
    onWait("full");
    await clock.sleep(retryAfterMs, { signal });
  }
}
