/** `bun start`: runs the whole pipeline in one process, on one port. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openStreamerThread } from "../streamer/thread.ts";
import { openBackends } from "./backends.ts";
import { readAllInOneConfig } from "./config.ts";
import { runAllInOne } from "./service.ts";

await runProgram("all-in-one", {
  read: () => readAllInOneConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    const clock = systemClock;
    const maxSubscribers = config.api.maxSubscriptions;
    await using streamer = openStreamerThread();
    await using backends = await openBackends(config.backends, { clock, log, metrics, maxSubscribers });
    return await runAllInOne(config, { backends, streamer, clock, log, metrics, signal });
  },
});
