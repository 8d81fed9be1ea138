/** Runs one import: sends files through queue and collector into the store, and waits until everything is stored. */
import { runCollector } from "../collector/service.ts";
import type { CollectorSummary } from "../collector/tally.ts";
import type { Clock } from "../platform/process/clock.ts";
import { INTERRUPTED } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ProducerQueue } from "../queue/port.ts";
import type { StreamerSummary } from "../streamer/progress/summary.ts";
import type { StreamerThread } from "../streamer/thread.ts";
import type { Backends } from "./backends.ts";
import { type IngestConfig, storePlace } from "./config.ts";
import { drained } from "./drain.ts";
import { droppingQueue } from "./dry-run.ts";
import { FeedLocks } from "./feed-locks.ts";
import { describeImport, importAsJson } from "./import-summary.ts";
import { ProgressDisplay } from "./progress.ts";

export interface ImportParts {
  /** Null: a dry run, which stores nothing. */
  readonly backends: Backends | null;
  readonly streamer: StreamerThread;
  /** Whether the summary is printed as JSON. */
  readonly asJson: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Imported {
  readonly streamed: StreamerSummary;
  readonly stored: CollectorSummary | null;
  /** Batches that could not be stored. */
  readonly dead: number;
}

/** Streams the files, and stores them unless it is a dry run. */
async function storeFiles(config: IngestConfig, parts: ImportParts, display: ProgressDisplay): Promise<Imported> {
  const { backends, streamer, clock, log, signal } = parts;
  const onProgress = display.show.bind(display);
  const send = (queue: ProducerQueue) => streamer.run(config.streamer, { queue, log, signal, onProgress });
  if (backends === null) return { streamed: await send(droppingQueue), stored: null, dead: 0 };
  const { queue, repository, liveFeed } = backends;
  const stop = new AbortController();
  const collector = runCollector(config.collector, {
    queue,
    repository,
    liveFeed,
    clock,
    log,
    signal: stop.signal,
  });
  try {
    using locks = new FeedLocks(config.backends.store, "ingest");
    const streamed = await send(locks.guard(queue));
    await drained(queue, { clock, signal });
    stop.abort();
    const stored = await collector;
    return { streamed, stored, dead: (await queue.stats()).dead };
  } finally {
    stop.abort();
    await collector;
  }
}

/**
 * @returns the exit status: 0 if everything was read and stored; 1 if a file could not be read, a batch could not be
 *   stored, or there was no reading; 130 if interrupted: everything read so far is stored, and the same import
 *   continues from there
 * @throws AppError if nothing can be read
 */
export async function runImport(config: IngestConfig, parts: ImportParts): Promise<number> {
  const { asJson, clock, signal } = parts;
  const startedAt = clock.now();
  const display = new ProgressDisplay(process.stderr, () => clock.now());
  try {
    const { streamed, stored, dead } = await storeFiles(config, parts, display);
    display.clear();
    const tookMs = clock.now() - startedAt;
    const interrupted = signal.aborted;
    const summary = { streamed, stored, tookMs, store: storePlace(config.backends.store), interrupted };
    process.stdout.write(asJson ? importAsJson(summary) : describeImport(summary));
    if (interrupted) return INTERRUPTED;
    const nothing = streamed.readings === 0 && !streamed.alreadyComplete;
    return streamed.failed || nothing || dead > 0 ? 1 : 0;
  } finally {
    display.clear();
  }
}
