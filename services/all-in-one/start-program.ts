/** The whole pipeline in one process, on one port. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openStreamerThread } from "../streamer/thread.ts";
import { openBackends } from "./backends.ts";
import { readAllInOneConfig, withPaths } from "./config.ts";
import { copyInputs } from "./copied-inputs.ts";
import { chooseFeed } from "./feed.ts";
import { runAllInOne } from "./service.ts";

/**
 * Runs until a signal, then ends the process.
 * @param paths files, directories or globs in place of CSV_PATH; empty: CSV_PATH counts
 */
export const start = (paths: readonly string[]): Promise<never> =>
  runProgram("all-in-one", {
    read: () => readAllInOneConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true, paths }),
    run: async (given, { log, signal }) => {
      const metrics = createMetrics();
      const clock = systemClock;
      await using inputs = await copyInputs(given.streamer.sources.paths, { stdin: process.stdin, signal });
      if (inputs === null) return 0;
      const config = await chooseFeed(withPaths(given, inputs), { clock, log });
      const maxSubscribers = config.api.maxSubscriptions;
      await using streamer = config.feed === "none" ? null : openStreamerThread();
      await using backends = await openBackends(config.backends, { clock, log, metrics, maxSubscribers });
      return await runAllInOne(config, { backends, streamer, clock, log, metrics, signal });
    },
  });
