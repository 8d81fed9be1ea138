/** The whole pipeline in one process: from file to API, over parts that `main.ts` opened. */
import { createApi } from "../api-gateway/service.ts";
import { runCollector } from "../collector/service.ts";
import { createInventorySchema } from "../inventory/schema.ts";
import type { Clock } from "../platform/clock.ts";
import type { Health } from "../platform/health.ts";
import { listen } from "../platform/listen.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { createPipelineSchema } from "../queue-service/schema.ts";
import type { StreamerThread } from "../streamer/thread.ts";
import { createTelemetrySchema } from "../telemetry/schema.ts";
import type { AllInOneConfig } from "./config.ts";
import { drained } from "./drain.ts";
import type { Embedded } from "./embedded.ts";

export interface AllInOneParts {
  readonly embedded: Embedded;
  readonly streamer: StreamerThread;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
}

/**
 * Serves until the signal aborts, also after the source has ended; then stops from the source downwards, so that what
 * was read is stored. Resolves to the exit code: 1 when a file among several could not be read.
 * @throws AppError when nothing of the source can be read, or the address is taken
 */
export async function runAllInOne(config: AllInOneConfig, parts: AllInOneParts): Promise<number> {
  const { embedded, streamer, clock, log, metrics, signal } = parts;
  const { repository, queue, liveFeed } = embedded;
  const away: Record<string, string> = {};
  const report = (part: string) => (problem: string | null) => {
    if (problem === null) delete away[part];
    else away[part] = problem;
  };
  const stop = new AbortController();
  const collector = runCollector(config.collector, {
    queue,
    repository,
    liveFeed,
    retentionMs: config.store.retentionMs,
    clock,
    log: log.child({ component: "collector" }),
    metrics,
    signal: stop.signal,
    onState: report("collector"),
  });
  await using _background = {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await collector;
    },
  };
  const health = async (): Promise<Health> => {
    const store = await repository.ping().then(
      () => ({}),
      (error: Error) => ({ store: error.message }),
    );
    const all = { ...away, ...store };
    return { healthy: Object.keys(all).length === 0, away: all };
  };
  await using api = await createApi({
    subgraphs: {
      inventory: createInventorySchema({ repository }),
      telemetry: createTelemetrySchema({ repository, feed: liveFeed }),
      pipeline: createPipelineSchema({ queue }),
    },
    config: config.api,
    log: log.child({ component: "api-gateway" }),
    metrics,
    health,
  });
  const { port, host: hostname } = config.api;
  await using listener = await listen({ port, hostname, fetch: api.fetch, websocket: api.websocket });
  log.info("listening", { url: listener.url, store: config.store.path });

  const { readings, passes, skipped, failed } = await streamer.run(config.streamer, {
    queue,
    log: log.child({ component: "streamer" }),
    metrics,
    signal,
    onState: report("streamer"),
  });
  await drained(queue, { clock, signal });
  if (!signal.aborted) {
    log.info("source ended", { readings, passes, skipped, failed });
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  return failed ? 1 : 0;
}
