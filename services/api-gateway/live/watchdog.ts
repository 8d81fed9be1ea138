/** Connections that are held open for long, looked at in turn: whose other end is gone or takes nothing is ended. */
import type { Metrics } from "../../platform/process/metrics.ts";

export interface Patience {
  /** How often a socket is asked whether somebody is there. */
  readonly pingMs: number;
  /** A socket that says nothing for so long is given up. */
  readonly silentMs: number;
  /** A connection that has taken nothing for so long, though something waits for it, is given up. */
  readonly stalledMs: number;
}

const PATIENCE: Patience = { pingMs: 15_000, silentMs: 45_000, stalledMs: 30_000 };

/** Looks per shortest patience: what is noticed late is late by a part of it. */
const LOOKS = 4;

export type Transport = "websocket" | "sse";
export type EndReason = "silent" | "stalled" | "stopping";

export interface Watched {
  /** @param now milliseconds that only go forward */
  look(now: number): void;
  /** The server stops. */
  stop(): void;
}

export class Watchdog implements Disposable {
  readonly patience: Patience;
  readonly #watched = new Set<Watched>();
  readonly #ended: (transport: Transport, reason: EndReason) => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopped = false;

  constructor(metrics: Metrics, patience: Partial<Patience> = {}) {
    this.patience = { ...PATIENCE, ...patience };
    const closed = metrics.counter({
      name: "live_connections_ended_total",
      help: "Connections with subscriptions that this side ended, by reason: silent, stalled (took nothing), stopping.",
      labels: ["transport", "reason"],
    });
    this.#ended = (transport, reason) => closed.inc({ transport, reason });
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Until the function that it gives is called. */
  watch(watched: Watched): () => void {
    this.#watched.add(watched);
    if (this.#timer === undefined) {
      const everyMs = Math.min(...Object.values(this.patience)) / LOOKS;
      this.#timer = setInterval(() => this.#look(), everyMs);
      this.#timer.unref?.();
    }
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) this[Symbol.dispose]();
    };
  }

  ended(transport: Transport, reason: EndReason): void {
    this.#ended(transport, reason);
  }

  /** Tells every connection, and those to come, that the server stops. */
  stop(): void {
    this.#stopped = true;
    for (const watched of [...this.#watched]) watched.stop();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const watched of [...this.#watched]) watched.look(now);
  }
}
