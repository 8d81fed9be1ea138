/** Tracks whether one dependency is available: logs outages, reports them to health, and retries calls during them. */
import { AppError, isAppError } from "../../../schema/model/errors.ts";
import { backoffMs, type Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

export interface AvailabilityOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** Pause between the attempts of one call, with full jitter. Default: 100 ms, doubling up to 10 s. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number } | undefined;
  /**
   * If true, `problem` is set from the first call of `untilAvailable` until the first answer, without a log line. For
   * services that must not be ready before their dependency has answered once. Default: false.
   */
  readonly requireFirstAnswer?: boolean | undefined;
  /** Called each time `problem` changes. */
  readonly onChange?: ((problem: string | null) => void) | undefined;
}

export interface RetryOptions {
  /**
   * Ends the retries when it aborts: the next failure is final. An abort during a pause ends the pause, and one last
   * attempt follows.
   */
  readonly signal: AbortSignal;
  /** When it aborts, the running attempt is abandoned, and no other starts. Default: `signal`. */
  readonly deadline?: AbortSignal | undefined;
  /** Called before each pause. */
  readonly onRetry?: (() => void) | undefined;
}

interface Outage {
  readonly since: number;
  readonly over: PromiseWithResolvers<void>;
}

const abandoned = (cause?: unknown) => new AppError("No answer before the deadline", { code: "unavailable", cause });

/** Settles as `call` does. If `deadline` aborts first, rejects with AppError `unavailable`; `call` is left running. */
export function withinDeadline<T>(call: () => Promise<T>, deadline: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (deadline.aborted) return reject(abandoned());
    const abandon = () => reject(abandoned());
    deadline.addEventListener("abort", abandon, { once: true });
    call()
      .then(resolve, (error: unknown) => reject(deadline.aborted ? abandoned(error) : error))
      .finally(() => deadline.removeEventListener("abort", abandon));
  });
}

/**
 * The dependency counts as available at first. The first call of `down` begins an outage, and the next call of `up`
 * ends it. The log gets one line for each: `unavailable { dependency, reason }` and `available { dependency, downMs }`.
 * Any number of callers may report.
 */
export class Availability {
  readonly dependency: string;
  readonly #options: AvailabilityOptions;
  #problem: string | null = null;
  #outage: Outage | undefined;
  #hasAnswered: boolean;

  constructor(dependency: string, options: AvailabilityOptions) {
    this.dependency = dependency;
    this.#options = options;
    this.#hasAnswered = options.requireFirstAnswer !== true;
  }

  get isDown(): boolean {
    return this.#outage !== undefined;
  }

  /** For health: the reason of the outage, or the text that the required first answer is missing; otherwise null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Begins an outage. Does nothing during an outage, so its first reason remains. */
  down(reason: string): void {
    if (this.#outage !== undefined) return;
    const { log, clock } = this.#options;
    this.#outage = { since: clock.monotonic(), over: Promise.withResolvers() };
    log.warn("unavailable", { dependency: this.dependency, reason });
    this.#report(reason);
  }

  /** Ends the outage, if there is one. */
  up(): void {
    if (this.#outage === undefined && this.#hasAnswered) return;
    this.#hasAnswered = true;
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage !== undefined) {
      const { log, clock } = this.#options;
      log.info("available", { dependency: this.dependency, downMs: clock.monotonic() - outage.since });
      outage.over.resolve();
    }
    this.#report(null);
  }

  /** Resolves when the dependency is up, or when `signal` aborts. Makes no attempt of its own. */
  async whenUp({ signal }: { signal: AbortSignal }): Promise<void> {
    const { promise } = this.#outage?.over ?? { promise: Promise.resolve() };
    await withinDeadline(() => promise, signal).catch(() => {});
  }

  /**
   * Repeats `call` while it throws AppError `unavailable`, which counts as `down`. Every other outcome counts as `up`.
   * The pause before a retry is the larger of the backoff and the error's `retryAfterMs`.
   * @throws AppError `unavailable` when `signal` or `deadline` has ended the retries; other errors of `call` unchanged
   */
  async untilAvailable<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
    const { clock, backoff } = this.#options;
    const { signal, deadline = signal, onRetry } = options;
    if (!this.#hasAnswered && this.#outage === undefined) this.#report("has not answered yet");
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await withinDeadline(call, deadline);
        this.up();
        return answer;
      } catch (error) {
        if (!isAppError(error, "unavailable")) {
          this.up();
          throw error;
        }
        // An abandoned call does not show that the dependency is unavailable.
        if (deadline.aborted) throw error;
        this.down(error.message);
        if (signal.aborted) throw error;
        onRetry?.();
        await clock.sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, backoff)), { signal });
      }
    }
  }

  #report(problem: string | null): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onChange?.(problem);
  }
}
