/** queue-service as a process: the queue over HTTP, on Redis. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import { readQueueServiceConfig } from "./config.ts";
import { runQueueService } from "./service.ts";

await runProgram("queue-service", {
  read: () => readQueueServiceConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const clock = systemClock;
    await using queue = await openQueue({ kind: "redis", redis: config.redis, ...config.bounds, clock, log });
    return await runQueueService(config, { queue, clock, log, metrics: createMetrics(), signal });
  },
});
