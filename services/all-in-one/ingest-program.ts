/** The main part of `ingest`, which is loaded after the arguments have been checked. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import type { StreamerThread } from "../streamer/thread.ts";
import { openBackends } from "./backends.ts";
import { readIngestConfig } from "./config.ts";
import { runImport } from "./import.ts";

/**
 * Runs the import and ends the process.
 * @param paths files, directories or globs
 */
export const ingest = (paths: readonly string[], streamer: StreamerThread): Promise<never> =>
  runProgram("ingest", {
    read: () => readIngestConfig(readEnvironment(), paths, { isTerminal: process.stderr.isTTY === true }),
    output: process.stderr,
    run: async (config, { log, signal }) => {
      const clock = systemClock;
      await using backends = await openBackends(config.backends, { clock, log });
      return await runImport(config, { backends, streamer, clock, log, signal });
    },
  });
