/** Checks long-lived connections at intervals, to end those whose client is gone or reads nothing. */
import type { Clock } from "../../platform/process/clock.ts";
import type { Metrics } from "../../platform/process/metrics.ts";

/** A socket is pinged at this interval. */
export const PING_MS = 15_000;
/** A socket whose client sends nothing for this long is closed. */
export const SILENT_MS = 45_000;
/** A connection whose client reads nothing for this long, although bytes wait for it, is closed. */
export const STALLED_MS = 30_000;
/** Interval of the checks, and so how late a check may be. A fraction of the shortest time above. */
const CHECK_MS = PING_MS / 4;

export type Transport = "websocket" | "sse";
export type EndReason = "silent" | "stalled" | "stopping";

export interface Watched {
  /** @param now monotonic milliseconds */
  check(now: number): void;
  /** Called when the server stops. */
  stop(): void;
}

export class Watchdog implements Disposable {
  readonly clock: Clock;
  readonly #watched = new Set<Watched>();
  readonly #ended: (transport: Transport, reason: EndReason) => void;
  #checking: AbortController | undefined;
  #stopped = false;

  constructor({ metrics, clock }: { metrics: Metrics; clock: Clock }) {
    this.clock = clock;
    const closed = metrics.counter({
      name: "live_connections_ended_total",
      help: "Connections with subscriptions that the server ended, by reason: silent, stalled or stopping.",
      labels: ["transport", "reason"],
    });
    this.#ended = (transport, reason) => closed.inc({ transport, reason });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Checks `watched` until the returned function is called. */
  watch(watched: Watched): () => void {
    this.#watched.add(watched);
    if (this.#checking === undefined) {
      this.#checking = new AbortController();
      void this.#check(this.#checking.signal);
    }
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) this[Symbol.dispose]();
    };
  }

  /** Counts a connection that the server has ended. */
  ended(transport: Transport, reason: EndReason): void {
    this.#ended(transport, reason);
  }

  /** Calls `stop` of every watched connection. Connections that open later see `stopped`. */
  stop(): void {
    this.#stopped = true;
    for (const watched of [...this.#watched]) watched.stop();
  }

  [Symbol.dispose](): void {
    this.#checking?.abort();
    this.#checking = undefined;
  }

  async #check(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.clock.sleep(CHECK_MS, { signal });
      if (signal.aborted) return;
      const now = this.clock.monotonic();
      for (const watched of [...this.#watched]) watched.check(now);
    }
  }
}
