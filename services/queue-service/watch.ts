/** The queue's figures once a second, for as long as somebody watches: one question for all watchers of a process. */
import type { Clock } from "../platform/process/clock.ts";
import type { Queue, QueueStats } from "../queue/port.ts";

const INTERVAL_MS = 1000;

export interface QueueRates {
  readonly publishedPerSecond: number;
  readonly ackedPerSecond: number;
}

export interface QueueFigures {
  readonly stats: QueueStats;
  /** Null: there is no figure of a moment ago, or the queue has begun to count anew. */
  readonly rates: QueueRates | null;
}

interface Sample extends QueueFigures {
  readonly at: number;
}

function ratesOf(before: Sample | null, stats: QueueStats, at: number): QueueRates | null {
  if (before === null || at <= before.at) return null;
  const seconds = (at - before.at) / 1000;
  const publishedPerSecond = (stats.counters.published - before.stats.counters.published) / seconds;
  const ackedPerSecond = (stats.counters.acked - before.stats.counters.acked) / seconds;
  return publishedPerSecond < 0 || ackedPerSecond < 0 ? null : { publishedPerSecond, ackedPerSecond };
}

/** Holds the newest figures alone: a slow reader misses those in between. */
class Watcher implements AsyncIterableIterator<QueueFigures> {
  readonly #leave: () => void;
  #newest: QueueFigures | null = null;
  #ended = false;
  #wake = () => {};

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  tell(figures: QueueFigures): void {
    this.#newest = figures;
    this.#wake();
  }

  async next(): Promise<IteratorResult<QueueFigures>> {
    while (this.#newest === null && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#newest;
    this.#newest = null;
    return value === null || this.#ended ? { done: true, value: undefined } : { done: false, value };
  }

  /** Ends it at once, also while it waits. */
  async return(): Promise<IteratorResult<QueueFigures>> {
    this.#ended = true;
    this.#leave();
    this.#wake();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/**
 * Watches until the signal aborts or the reader returns. While the queue is away nothing is told, and what is told then
 * has no rates.
 */
export type WatchQueue = (signal?: AbortSignal) => AsyncIterableIterator<QueueFigures>;

export function createQueueWatch(queue: Pick<Queue, "stats">, clock: Clock): WatchQueue {
  const watchers = new Set<Watcher>();
  let newest: Sample | null = null;
  let idle = new AbortController();

  async function ask(): Promise<Sample | null> {
    try {
      const stats = await queue.stats();
      const at = clock.now();
      return { stats, at, rates: ratesOf(newest, stats, at) };
    } catch {
      // Whoever asks for health or metrics is told; the next second may be better.
      return null;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const sample = await ask();
      if (signal.aborted) return;
      newest = sample;
      if (sample !== null) for (const watcher of watchers) watcher.tell(sample);
      await clock.sleep(INTERVAL_MS, { signal });
    }
  }

  function leave(watcher: Watcher): void {
    if (!watchers.delete(watcher) || watchers.size > 0) return;
    idle.abort();
    newest = null;
  }

  return (signal) => {
    const watcher: Watcher = new Watcher(() => {
      signal?.removeEventListener("abort", left);
      leave(watcher);
    });
    const left = () => void watcher.return();
    if (signal?.aborted) {
      left();
      return watcher;
    }
    signal?.addEventListener("abort", left);
    watchers.add(watcher);
    if (watchers.size === 1) {
      idle = new AbortController();
      void run(idle.signal);
    } else if (newest !== null) watcher.tell(newest);
    return watcher;
  };
}
