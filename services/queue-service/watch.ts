/** Reads the queue's figures once a second while there are watchers. All watchers of a process share one reading. */
import type { Clock } from "../platform/process/clock.ts";
import { Mailbox } from "../platform/process/mailbox.ts";
import type { Queue, QueueStats } from "../queue/port.ts";

const INTERVAL_MS = 1000;

export interface QueueRates {
  readonly publishedPerSecond: number;
  readonly ackedPerSecond: number;
}

export interface QueueFigures {
  readonly stats: QueueStats;
  /** Null if there are no figures from the second before, or if the queue's counters have been reset since. */
  readonly rates: QueueRates | null;
}

interface Sample extends QueueFigures {
  /** By the clock's monotonic time. */
  readonly at: number;
}

function ratesOf(before: Sample | null, stats: QueueStats, at: number): QueueRates | null {
  if (before === null || at <= before.at) return null;
  const seconds = (at - before.at) / 1000;
  const publishedPerSecond = (stats.counters.published - before.stats.counters.published) / seconds;
  const ackedPerSecond = (stats.counters.acked - before.stats.counters.acked) / seconds;
  return publishedPerSecond < 0 || ackedPerSecond < 0 ? null : { publishedPerSecond, ackedPerSecond };
}

/**
 * Yields figures until the signal aborts or the reader returns. A slow reader gets only the newest figures. While the
 * queue is unavailable, nothing is yielded; the first figures afterwards have no rates.
 */
export type WatchQueue = (signal?: AbortSignal) => AsyncIterableIterator<QueueFigures>;

export function createQueueWatch(queue: Pick<Queue, "stats">, clock: Clock): WatchQueue {
  const watchers = new Set<Mailbox<QueueFigures>>();
  let newest: Sample | null = null;
  let idle = new AbortController();

  async function sample(): Promise<Sample | null> {
    try {
      const stats = await queue.stats();
      const at = clock.monotonic();
      return { stats, at, rates: ratesOf(newest, stats, at) };
    } catch {
      // Not logged here: readiness and `queue_up` report the outage, and the connection to Redis logs it.
      return null;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const figures = await sample();
      if (signal.aborted) return;
      newest = figures;
      if (figures !== null) for (const watcher of watchers) watcher.push(figures);
      await clock.sleep(INTERVAL_MS, { signal });
    }
  }

  function removeClosed(): void {
    for (const watcher of watchers) if (watcher.isClosed) watchers.delete(watcher);
    if (watchers.size > 0) return;
    idle.abort();
    newest = null;
  }

  return (signal) => {
    const watcher = new Mailbox<QueueFigures>({
      capacity: 1,
      merge: (_, pushed) => pushed,
      signal,
      onClose: removeClosed,
    });
    if (watcher.isClosed) return watcher;
    watchers.add(watcher);
    if (watchers.size === 1) {
      idle = new AbortController();
      void run(idle.signal);
    } else if (newest !== null) watcher.push(newest);
    return watcher;
  };
}
