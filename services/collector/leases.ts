/** The leases of one group: renewed while the group is worked on, until each delivery is settled. */
import { isAppError } from "../../schema/model/errors.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ConsumerQueue, Delivery } from "../queue/port.ts";
import { orAbandoned } from "./dependency.ts";

export interface LeaseOptions {
  readonly queue: Pick<ConsumerQueue, "extend">;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLost: (deliveries: number) => void;
}

export class Leases implements AsyncDisposable {
  readonly #options: LeaseOptions;
  /** Receipts of deliveries that are neither acknowledged nor given back. */
  readonly #open: Set<string>;
  /** Those of them that the queue still counts as ours. */
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

  /** A lease that is lost is not fought for: storing twice changes nothing, and the ack is accepted all the same. */
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
      const renewed = await orAbandoned(() => queue.extend(receipts, leaseMs), this.#ended.signal);
      const lost = receipts.filter((receipt, index) => !renewed[index] && this.#ours.delete(receipt));
      if (lost.length > 0) onLost(lost.length);
    } catch (error) {
      if (!isAppError(error, "unavailable")) log.error("leases not renewed", { error, deliveries: receipts.length });
    }
  }
}
