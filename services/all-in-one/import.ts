/** Runs one import: sends files through queue and collector into the store, and waits until everything is stored. */
import { runCollector } from "../collector/service.ts";
import type { Clock } from "../platform/process/clock.ts";
import { INTERRUPTED } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { StreamerThread } from "../streamer/thread.ts";
import type { Backends } from "./backends.ts";
import { type IngestConfig, storePlace } from "./config.ts";
import { drained } from "./drain.ts";
import { describeImport } from "./import-summary.ts";
import { ProgressDisplay } from "./progress.ts";

/**
 * @returns the exit status: 0 if everything was read and stored; 1 if a file could not be read, a batch could not be
 *   stored, or there was no reading; 130 if interrupted: everything read so far is stored, and the same import
 *   continues from there
 * @throws AppError if nothing can be read
 */
export async function runImport(
  config: IngestConfig,
  parts: { backends: Backends; streamer: StreamerThread; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<number> {
  const { backends, streamer, clock, log, signal } = parts;
  const { queue, repository, liveFeed } = backends;
  const startedAt = clock.now();
  const display = new ProgressDisplay(process.stderr, () => clock.now());
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
    const onProgress = display.show.bind(display);
    const streamed = await streamer.run(config.streamer, { queue, log, signal, onProgress });
    await drained(queue, { clock, signal });
    stop.abort();
    const stored = await collector;
    display.clear();
    const { dead } = await queue.stats();
    const tookMs = clock.now() - startedAt;
    const interrupted = signal.aborted;
    process.stdout.write(
      describeImport({ streamed, stored, tookMs, store: storePlace(config.backends.store), interrupted }),
    );
    if (interrupted) return INTERRUPTED;
    const nothing = streamed.readings === 0 && !streamed.alreadyComplete;
    return streamed.failed || nothing || dead > 0 ? 1 : 0;
  } finally {
    display.clear();
    stop.abort();
    await collector;
  }
}
