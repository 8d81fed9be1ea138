/** The receiver as a process: remote write → queue-service. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import { readReceiverProcessConfig } from "./config.ts";
import { runReceiverServer } from "./server.ts";

await runProgram("receiver", {
  read: () => readReceiverProcessConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const clock = systemClock;
    await using queue = await openQueue({ ...config.queue, clock });
    return await runReceiverServer(config, { queue, clock, log, metrics: createMetrics(), signal });
  },
});
