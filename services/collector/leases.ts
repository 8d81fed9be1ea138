/** Renews the leases of one group until each of its deliveries is settled. */
import { isAppError } from "../../schema/model/errors.ts";
import { withinDeadline } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ConsumerQueue, Delivery } from "../queue/port.ts";

export interface LeaseOptions {
  readonly queue: Pick<ConsumerQueue, "extend">;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLost: (deliveries: number) => void;
}

export class Leases implements AsyncDisposable {
  readonly #options: LeaseOptions;
  /** Receipts of deliveries that are not settled yet. */
  readonly #open: Set<string>;
  /** Receipts in `#open` whose leases are not lost. */
  readonly #ours: Set<string>;
  readonly #ended = new AbortController();
  readonly #renewing: Promise<void>;

  constructor(deliveries: readonly Delivery[], options: LeaseOptions) {
    this.#options = options;
    this.#open = new Set(deliveries.map(({ receipt }) => receipt));
    this.#ours = new Set(this.#open);
    this.#renewing = this.#renew();
  }

  get open(): readonly string[] {
    return [...this.#open];
  }

  settle(receipts: readonly string[]): void {
    for (const receipt of receipts) {
      this.#open.delete(receipt);
      this.#ours.delete(receipt);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#renewing;
  }

  /**
   * A lost lease is only counted: the batch is still stored, because storing it twice changes nothing, and the queue
   * accepts the ack of an expired lease.
   */
  async #renew(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    for (;;) {
      await clock.sleep(Math.ceil(leaseMs / 3), { signal: this.#ended.signal });
      if (this.#ended.signal.aborted) return;
      await this.#extend();
    }
  }

  async #extend(): Promise<void> {
    const { queue, leaseMs, log, onLost } = this.#options;
    const receipts = [...this.#ours];
    if (receipts.length === 0) return;
    try {
      const renewed = await withinDeadline(() => queue.extend(receipts, leaseMs), this.#ended.signal);
      const lost = receipts.filter((receipt, index) => !renewed[index] && this.#ours.delete(receipt));
      if (lost.length > 0) onLost(lost.length);
    } catch (error) {
      if (!isAppError(error, "unavailable")) log.error("leases not renewed", { error, deliveries: receipts.length });
    }
  }
}
