/** `bun run ingest FILE…`: reads files into the embedded store at full speed. */
import { parseCommandLine } from "../platform/process/command-line.ts";
import { openStreamerThread } from "../streamer/thread.ts";
import { INGEST_USAGE } from "./usage.ts";

const given = parseCommandLine(process.argv.slice(2), ["--json", "--dry-run"]);
if (typeof given === "string") {
  process.stderr.write(`${given}\n\n${INGEST_USAGE}`);
  process.exit(2);
}
const { flags, files, wantsHelp } = given;
if (wantsHelp) {
  process.stdout.write(INGEST_USAGE);
  process.exit(0);
}
if (files.length === 0) {
  process.stderr.write(`FILE must be given\n\n${INGEST_USAGE}`);
  process.exit(2);
}

// Opened first, so that the streamer's thread loads its modules while the main thread loads the rest.
const streamer = openStreamerThread();
const { ingest } = await import("./ingest-program.ts");
await ingest({ paths: files, asJson: flags.has("--json"), dryRun: flags.has("--dry-run") }, streamer);
