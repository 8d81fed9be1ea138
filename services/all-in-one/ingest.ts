/** `bun run ingest FILE…`: files into the embedded store, as fast as they go. */
import { systemClock } from "../platform/clock.ts";
import { readEnvironment } from "../platform/env.ts";
import { runProgram } from "../platform/lifecycle.ts";
import { createMetrics } from "../platform/metrics.ts";
import { readIngestConfig } from "./config.ts";
import { openEmbedded } from "./embedded.ts";
import { runImport } from "./import.ts";

const USAGE = `Usage: bun run ingest FILE…

Reads DCGM CSV files, directories or globs (.csv, .gz, .zst) into the store at SQLITE_PATH
(default .data/telemetry.sqlite). Stopped half-way, the same command goes on where it was.

Exit status: 0 read, 1 something could not be read, 2 bad usage, 130 interrupted.
`;

const paths = process.argv.slice(2);
if (paths.includes("--help") || paths.includes("-h")) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const unknown = paths.find((path) => path.startsWith("-"));
if (unknown !== undefined || paths.length === 0) {
  process.stderr.write(unknown === undefined ? USAGE : `Unknown option ${unknown}\n\n${USAGE}`);
  process.exit(2);
}

await runProgram("ingest", {
  read: () => readIngestConfig(readEnvironment(), paths, { isTerminal: process.stderr.isTTY === true }),
  output: process.stderr,
  run: async (config, { log, signal }) => {
    const metrics = createMetrics();
    const clock = systemClock;
    await using embedded = await openEmbedded(config.store, { clock, log, metrics });
    return await runImport(config, { embedded, clock, log, metrics, signal });
  },
});
