/**
 * The waiting claims of one process, first come, first served. One connection waits for a token on behalf of all
 * claims. If a token is lost, a claim is delayed by one poll, but no batch is lost.
 */
import { backoffMs, type Clock } from "../../platform/process/clock.ts";
import type { ClaimRequest, Delivery } from "../port.ts";
import type { Bell } from "./bell.ts";
import type { Claimed } from "./partition.ts";

/** How long the waiting callers wait at most between two claims while no token arrives. */
const POLL_MS = 1000;

export interface WaitingParts {
  readonly clock: Clock;
  readonly bell: Pick<Bell, "pop" | "passOn">;
  /** Claims from `partition` first; null if no partition has rung. */
  claim(request: ClaimRequest, partition: number | null): Promise<Claimed>;
  /** Does not reject. */
  giveBack(deliveries: readonly Delivery[]): Promise<void>;
}

interface Waiter {
  readonly request: ClaimRequest;
  /** True while a claim is in flight for this waiter. */
  busy: boolean;
  /** True if the waiter's time ended while that claim was in flight. */
  late: boolean;
  settle(outcome: readonly Delivery[] | { readonly error: unknown }): void;
}

export class Waiting {
  readonly #parts: WaitingParts;
  readonly #line = new Set<Waiter>();
  #running = false;
  #serving: Promise<void> | undefined;
  #closed = false;
  #popping: Promise<number | null> | null = null;
  #failures = 0;
  /** When the next lease or delay ends, by the monotonic clock. */
  #dueAt = Number.POSITIVE_INFINITY;
  #nap = new AbortController();

  constructor(parts: WaitingParts) {
    this.#parts = parts;
  }

  /** Resolves to deliveries, or to an empty list when the wait is over, the signal aborts or the queue closes. */
  wait(request: ClaimRequest, dueInMs: number | null): Promise<readonly Delivery[]> {
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const waiter: Waiter = {
        request,
        busy: false,
        late: false,
        settle: (outcome) => {
          this.#line.delete(waiter);
          over.abort();
          if ("error" in outcome) reject(outcome.error);
          else resolve(outcome);
        },
      };
      this.#line.add(waiter);
      request.signal?.addEventListener("abort", () => waiter.settle([]), { signal: over.signal });
      void this.#parts.clock.sleep(request.waitMs, { signal: over.signal }).then(() => {
        if (waiter.busy) waiter.late = true;
        else waiter.settle([]);
      });
      this.#lookIn(dueInMs);
      void this.#run();
    });
  }

  /** Ends all waits. Resolves once the deliveries of a claim in flight have been released. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#line) waiter.settle([]);
    this.#nap.abort();
    await this.#serving;
  }

  #lookIn(dueInMs: number | null): void {
    if (dueInMs === null) return;
    const dueAt = this.#parts.clock.monotonic() + dueInMs;
    if (dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    this.#nap.abort();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#line.size > 0) {
      const signal = await this.#nextSignal();
      if (signal === "sooner") continue;
      this.#serving = this.#serve(signal);
      await this.#serving;
    }
    this.#running = false;
  }

  /** Resolves to the partition that rang, to null when it is time to claim, or to "sooner" when that time has moved. */
  async #nextSignal(): Promise<number | "sooner" | null> {
    this.#popping ??= this.#pop();
    this.#nap = new AbortController();
    const { signal } = this.#nap;
    const restMs = Math.max(1, Math.min(POLL_MS, this.#dueAt - this.#parts.clock.monotonic()));
    const rested = this.#parts.clock.sleep(restMs, { signal }).then(() => (signal.aborted ? "sooner" : null));
    const first = await Promise.race([this.#popping, rested]);
    this.#nap.abort();
    return first;
  }

  async #pop(): Promise<number | null> {
    try {
      const partition = await this.#parts.bell.pop(POLL_MS);
      this.#failures = 0;
      if (partition !== null && this.#line.size === 0 && !this.#closed) await this.#parts.bell.passOn(partition);
      return partition;
    } catch {
      if (!this.#closed) await this.#parts.clock.sleep(backoffMs(this.#failures++, { capMs: POLL_MS }));
      return null;
    } finally {
      this.#popping = null;
    }
  }

  /** Claims for one waiter after another, until a claim gets no deliveries. */
  async #serve(partition: number | null): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const waiter of this.#line) {
      waiter.busy = true;
      let claimed: Claimed;
      try {
        claimed = await this.#parts.claim(waiter.request, partition);
      } catch (error) {
        for (const each of this.#line) each.settle({ error });
        return;
      }
      waiter.busy = false;
      const { deliveries, dueInMs } = claimed;
      if (!this.#line.has(waiter)) {
        if (deliveries.length > 0) await this.#parts.giveBack(deliveries);
        continue;
      }
      if (deliveries.length > 0 || waiter.late) waiter.settle(deliveries);
      if (deliveries.length > 0) continue;
      this.#lookIn(dueInMs);
      return;
    }
  }
}
