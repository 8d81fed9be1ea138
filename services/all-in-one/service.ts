/** Runs the whole pipeline in one process, from file to API, with the parts that `main.ts` has opened. */
import { createApi } from "../api-gateway/service.ts";
import { runCollector } from "../collector/service.ts";
import { createInventorySchema } from "../inventory/schema.ts";
import { withOutages } from "../platform/http/health.ts";
import { listen } from "../platform/http/listen.ts";
import type { Clock } from "../platform/process/clock.ts";
import { aborted } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { createPipelineSchema } from "../queue-service/schema.ts";
import { logSkips } from "../streamer/log-skips.ts";
import type { StreamerThread } from "../streamer/thread.ts";
import { createTelemetrySchema } from "../telemetry/schema.ts";
import type { Backends } from "./backends.ts";
import { type AllInOneConfig, isReceiving, isScraping, storePlace } from "./config.ts";
import { drained } from "./drain.ts";
import { FeedLocks } from "./feed-locks.ts";
import { openReceiving } from "./receive.ts";
import { scrape } from "./scrape.ts";

export interface AllInOneParts {
  readonly backends: Backends;
  /** Null: nothing is streamed. */
  readonly streamer: StreamerThread | null;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/** The last line of a stopped server: whether everything that was read is stored. */
async function logEnd(queue: Backends["queue"], { log, readings }: { log: Logger; readings: number }): Promise<void> {
  const { ready, leased, delayed, dead } = await queue.stats();
  const left = ready + leased + delayed;
  if (left + dead === 0) log.info("stopped: everything that was read is stored", { readings });
  else log.warn("stopped: the next start reads again what is not stored yet", { readings, batches: left, dead });
}

/**
 * Runs until the signal aborts, even after the source has ended. Then stops the streamer first and the collector last,
 * so that all readings read so far are stored.
 * @returns the exit code: 1 if no row or one of several files could not be read, otherwise 0
 * @throws AppError if nothing of the source can be read, another process streams it into the same store, or the address
 *   is taken
 */
export async function runAllInOne(config: AllInOneConfig, parts: AllInOneParts): Promise<number> {
  const { backends, streamer, clock, log, metrics, signal } = parts;
  const { repository, queue, liveFeed } = backends;
  const problems: { collector: string | null; streamer: string | null } = { collector: null, streamer: null };
  const stop = new AbortController();
  const collector = runCollector(config.collector, {
    queue,
    repository,
    liveFeed,
    retentionMs: config.backends.store.retentionMs,
    clock,
    log: log.child({ component: "collector" }),
    metrics,
    signal: stop.signal,
    onState: (problem) => {
      problems.collector = problem;
    },
  });
  await using _background = {
    async [Symbol.asyncDispose]() {
      stop.abort();
      const { readings } = await collector;
      if (signal.aborted) await logEnd(queue, { log, readings });
    },
  };
  const health = async () =>
    withOutages(
      await backends.health(),
      Object.entries(problems).map(([dependency, problem]) => ({ dependency, problem })),
    );
  await using api = await createApi({
    subgraphs: {
      inventory: createInventorySchema({ repository }),
      telemetry: createTelemetrySchema({ repository, feed: liveFeed }),
      pipeline: createPipelineSchema({ queue, clock }),
    },
    config: config.api,
    log: log.child({ component: "api-gateway" }),
    metrics,
    clock,
    health,
    isSample: config.feed === "sample",
    signal,
  });
  const { port, host: hostname, portVariable } = config.api;
  const receiverLog = log.child({ component: "receiver" });
  await using receiving = isReceiving(config)
    ? openReceiving(config, { backends, clock, log: receiverLog, metrics })
    : null;
  const receiver = receiving?.receiver;
  await using listener = await listen({
    port,
    hostname,
    portVariable,
    fetch: (request) =>
      receiver?.handles(new URL(request.url).pathname) ? receiver.fetch(request) : api.fetch(request),
    websocket: api.websocket,
    log,
  });
  log.info("listening", { url: listener.url, store: storePlace(config.backends.store) });

  const scraperLog = log.child({ component: "scraper" });
  const scraper = isScraping(config)
    ? scrape(config, { backends, clock, log: scraperLog, metrics, signal })
    : aborted(signal);
  const broken = receiving?.broken ?? new Promise<never>(() => undefined);
  if (streamer === null) {
    await Promise.race([scraper, broken]);
    return 0;
  }
  const status = await Promise.race([
    scraper.then(() => new Promise<never>(() => undefined)),
    broken,
    stream(config, { ...parts, streamer }, listener.url, problems),
  ]);
  if (signal.aborted) await scraper;
  return status;
}

/** Streams the files. @returns the exit code */
async function stream(
  config: AllInOneConfig,
  { backends, streamer, clock, log, metrics, signal }: AllInOneParts & { streamer: StreamerThread },
  url: string,
  problems: { streamer: string | null },
): Promise<number> {
  const { queue } = backends;
  using locks = new FeedLocks(config.backends.store, `start, ${url}`);
  const streamerLog = log.child({ component: "streamer" });
  const { readings, passes, skipped, failed, unreadable } = await streamer.run(config.streamer, {
    queue: locks.guard(queue),
    log: streamerLog,
    metrics,
    signal,
    onFirstPass: (summary) => logSkips(summary, { log: streamerLog }),
    onState: (problem) => {
      problems.streamer = problem;
    },
  });
  if (unreadable) return 1;
  await drained(queue, { clock, signal });
  if (!signal.aborted) {
    log.info("source ended", { readings, passes, skipped, failed });
    await aborted(signal);
  }
  return failed ? 1 : 0;
}
