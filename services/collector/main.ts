/** Runs the collector as a process: claims from queue-service, stores, publishes live, acknowledges. */
import { openLiveFeed } from "../live-feed/open.ts";
import { healthOf, withOutages } from "../platform/http/health.ts";
import { listenForProbes } from "../platform/http/probe-server.ts";
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import { openRepository } from "../repository/open.ts";
import { readCollectorProcessConfig } from "./config.ts";
import { runCollector } from "./service.ts";

await runProgram("collector", {
  read: () => readCollectorProcessConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    const clock = systemClock;
    let problem: string | null = null;
    await using repository = await openRepository(config.store, { clock, log, metrics });
    await using liveFeed = await openLiveFeed({ kind: "redis", redis: config.redis, clock, log, metrics });
    await using queue = await openQueue({ ...config.queue, clock });
    const health = async () =>
      withOutages(await healthOf({ store: () => repository.ping(), "live feed": () => liveFeed.ping() }), [
        { dependency: "collector", problem },
      ]);
    await using _probes = await listenForProbes(config.listen, { log, metrics, health });
    const summary = await runCollector(config.collector, {
      queue,
      repository,
      liveFeed,
      retentionMs: config.store.retentionMs,
      clock,
      log,
      metrics,
      signal,
      onState: (state) => {
        problem = state;
      },
    });
    log.info("stopped", { ...summary });
    return 0;
  },
});
