/** The program `telemetry`: runs the telemetry subgraph as its own process. */
import { openLiveFeed } from "../live-feed/open.ts";
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openRepository } from "../repository/open.ts";
import { readTelemetryConfig } from "./config.ts";
import { runTelemetry } from "./service.ts";

await runProgram("telemetry", {
  read: () => readTelemetryConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    const clock = systemClock;
    const { redis, maxSubscriptions: maxSubscribers } = config;
    await using repository = await openRepository(config.store, { clock, log, metrics });
    await using feed = await openLiveFeed({ kind: "redis", redis, clock, log, metrics, maxSubscribers });
    return await runTelemetry(config, { repository, feed, log, metrics, signal });
  },
});
