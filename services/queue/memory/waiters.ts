/** The waiting claims of the memory queue, first come, first served. */
import type { Clock } from "../../platform/process/clock.ts";
import type { ClaimRequest, Delivery } from "../port.ts";

interface Waiter {
  readonly request: ClaimRequest;
  readonly resolve: (deliveries: readonly Delivery[]) => void;
}

export class Waiters {
  readonly #clock: Clock;
  /** Called before a wait ends, so that the claim still gets a batch that becomes ready in the same instant. */
  readonly #lastCall: () => void;
  readonly #line = new Set<Waiter>();

  constructor(clock: Clock, lastCall: () => void) {
    this.#clock = clock;
    this.#lastCall = lastCall;
  }

  get size(): number {
    return this.#line.size;
  }

  /** Resolves to deliveries, or to an empty list when the wait is over or the signal aborts. */
  async wait(request: ClaimRequest): Promise<readonly Delivery[]> {
    const over = new AbortController();
    const answer = new Promise<readonly Delivery[]>((resolve) => {
      const waiter: Waiter = { request, resolve };
      const leave = () => {
        if (this.#line.delete(waiter)) resolve([]);
      };
      this.#line.add(waiter);
      request.signal?.addEventListener("abort", leave, { signal: over.signal });
      void this.#clock.sleep(request.waitMs, { signal: over.signal }).then(() => {
        if (!this.#line.has(waiter)) return;
        this.#lastCall();
        leave();
      });
    });
    try {
      return await answer;
    } finally {
      over.abort();
    }
  }

  /** Answers the first waiting claim with the result of `take`; returns false if no claim waits. */
  serve(take: (request: ClaimRequest) => readonly Delivery[]): boolean {
    for (const waiter of this.#line) {
      this.#line.delete(waiter);
      waiter.resolve(take(waiter.request));
      return true;
    }
    return false;
  }

  endAll(): void {
    while (this.serve(() => []));
  }
}
