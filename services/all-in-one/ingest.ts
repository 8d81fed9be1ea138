/** `bun run ingest FILE…`: reads files into the embedded store at full speed. */
import { openStreamerThread } from "../streamer/thread.ts";

const USAGE = `Usage: bun run ingest FILE…

Reads DCGM CSV files, directories or globs (.csv, .gz, .zst) into the store at SQLITE_PATH
(default .data/telemetry.sqlite), or into MongoDB if MONGODB_URI is set. If it is interrupted, the
same command continues where it stopped.

Exit status: 0 everything was read, 1 something could not be read, 2 bad usage, 130 interrupted.
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

// Opened first, so that the streamer's thread loads its modules while the main thread loads the rest.
const streamer = openStreamerThread();
const { ingest } = await import("./ingest-program.ts");
await ingest(paths, streamer);
