/** What `--help` of `start` and `ingest` prints. */

export const INGEST_USAGE = `Usage: npx -y bun run ingest [--dry-run] [--json] FILE…

Reads files, directories or globs into the store at SQLITE_PATH
(default .data/telemetry.sqlite), or into MongoDB if MONGODB_URI is set, at full speed. If it is
interrupted, the same command continues where it stopped. Skipped rows are explained at the end.

FILE may also be an address (http://, https://) or - for standard input.

  --dry-run  read everything and say what would be stored and what skipped, but store nothing
  --json     print the summary as one JSON object
  --help     print this text

Exit status: 0 something was read; 1 nothing, or a file not to its end; 2 bad usage; 130 interrupted.
Variables: infra/CONFIGURATION.md
`;

export const START_USAGE = `Usage: npx -y bun run start [FILE…]

Streams DCGM CSV files, directories or globs (.csv, .gz, .zst) into the store and serves it on
http://localhost:8080 until Ctrl-C. FILE may also be an address or - for standard input. Without a
FILE, CSV_PATH names the files; without both, a sample fleet is replayed.

  --help    print this text

Variables that are often used; infra/CONFIGURATION.md lists them all:
  CSV_PATH         a file, a directory or a glob; a FILE given here wins
  LOOP_MODE=false  read the files once and keep their times, instead of replaying them for ever
  WATCH=true       the same, and go on with new files and new rows until Ctrl-C
  PORT             8080
  SQLITE_PATH      .data/telemetry.sqlite

To store files at full speed without a server: npx -y bun run ingest FILE…
`;
