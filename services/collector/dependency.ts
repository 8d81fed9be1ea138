/** The store or the queue as the collector sees it: asked until it answers, however long it is away. */
import { AppError, isAppError } from "../../schema/model/errors.ts";
import { backoffMs, type Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";

const PAUSE = { baseMs: 100, capMs: 5000 };

export interface DependencyOptions {
  readonly name: "store" | "queue";
  readonly clock: Clock;
  readonly log: Logger;
  /** From then on nothing is waited for, not even a call under way: calls reject with AppError `unavailable`. */
  readonly deadline: AbortSignal;
  readonly onRetry: () => void;
  /** What is wrong, when it goes away; null when it is back. */
  readonly onState: (problem: string | null) => void;
}

const abandoned = (cause?: unknown) => new AppError("Gave up waiting for an answer", { code: "unavailable", cause });

/** Settles as the work does, or rejects with AppError `unavailable` when the signal aborts first. */
export function orAbandoned<T>(begin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abandoned());
    const leave = () => reject(abandoned());
    signal.addEventListener("abort", leave, { once: true });
    begin()
      .then(resolve, (error: unknown) => reject(signal.aborted ? abandoned(error) : error))
      .finally(() => signal.removeEventListener("abort", leave));
  });
}

export class Dependency {
  readonly #options: DependencyOptions;
  #outage: { readonly since: number; readonly over: PromiseWithResolvers<void> } | undefined;

  constructor(options: DependencyOptions) {
    this.#options = options;
  }

  get away(): boolean {
    return this.#outage !== undefined;
  }

  /** Resolves when the dependency answers again, at once when it is not away, and when the signal aborts. */
  async back(signal: AbortSignal): Promise<void> {
    const { promise } = this.#outage?.over ?? { promise: Promise.resolve() };
    await orAbandoned(() => promise, signal).catch(() => {});
  }

  /**
   * Repeats the call for as long as it throws `unavailable`.
   * @throws AppError `unavailable` once `giveUp` has aborted; any other error as it comes
   */
  async call<T>(ask: () => Promise<T>, { giveUp }: { giveUp: AbortSignal }): Promise<T> {
    const { clock, deadline, onRetry } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await orAbandoned(ask, deadline);
        this.#isBack();
        return answer;
      } catch (error) {
        if (!isAppError(error, "unavailable")) {
          this.#isBack();
          throw error;
        }
        this.#isAway(error);
        if (giveUp.aborted) throw error;
        onRetry();
        await clock.sleep(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, PAUSE)), { signal: giveUp });
      }
    }
  }

  #isAway(error: AppError): void {
    if (this.#outage !== undefined) return;
    this.#outage = { since: this.#options.clock.now(), over: Promise.withResolvers() };
    const { name: dependency, log, onState } = this.#options;
    log.warn("dependency away", { dependency, error });
    onState(`${dependency} is away: ${error.message}`);
  }

  #isBack(): void {
    if (this.#outage === undefined) return;
    const { since, over } = this.#outage;
    this.#outage = undefined;
    over.resolve();
    const { name: dependency, clock, log, onState } = this.#options;
    log.info("dependency back", { dependency, awayMs: clock.now() - since });
    onState(null);
  }
}
