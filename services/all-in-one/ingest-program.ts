/** The main part of `ingest`, which is loaded after the arguments have been checked. */
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { INTERRUPTED, runProgram } from "../platform/process/lifecycle.ts";
import type { StreamerThread } from "../streamer/thread.ts";
import { openBackends } from "./backends.ts";
import { readIngestConfig, withPaths } from "./config.ts";
import { copyInputs } from "./copied-inputs.ts";
import { runImport } from "./import.ts";

export interface IngestArguments {
  /** Files, directories, globs, addresses, or `-` for standard input. */
  readonly paths: readonly string[];
  /** Whether the summary is printed as JSON. */
  readonly asJson: boolean;
  /** Whether everything is read and nothing stored. */
  readonly dryRun: boolean;
}

/** Runs the import and ends the process. */
export const ingest = ({ paths, asJson, dryRun }: IngestArguments, streamer: StreamerThread): Promise<never> =>
  runProgram("ingest", {
    read: () => readIngestConfig(readEnvironment(), paths, { isTerminal: process.stderr.isTTY === true }),
    output: process.stderr,
    run: async (given, { log, signal }) => {
      await using inputs = await copyInputs(given.streamer.sources.paths, { stdin: process.stdin, signal });
      if (inputs === null) return INTERRUPTED;
      const config = withPaths(given, inputs);
      const clock = systemClock;
      const parts = { streamer, asJson, clock, log, signal };
      if (dryRun) return await runImport(config, { backends: null, ...parts });
      await using backends = await openBackends(config.backends, { clock, log });
      return await runImport(config, { backends, ...parts });
    },
  });
