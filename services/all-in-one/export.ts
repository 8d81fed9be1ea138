/** `bun run export [FILE] [--PARAMETER VALUE…]`: writes the readings of the store to a file. */
import { parseArgs } from "node:util";

const PARAMETERS = [
  "uuid",
  "hostname",
  "model",
  "namespace",
  "pod",
  "job",
  "metric",
  "start_time",
  "end_time",
] as const;

const USAGE = `Usage: bun run export [FILE] [--PARAMETER VALUE]…

Writes the readings of the store at SQLITE_PATH (default .data/telemetry.sqlite), or of MongoDB if
MONGODB_URI is set, to FILE (default telemetry.csv.zst): .csv or .ndjson, also with .zst or .gz.
\`bun run ingest FILE\` reads a .csv file back without loss. A running server is not disturbed.

Parameters are those of GET /api/v1/telemetry:
  --uuid --hostname --model --namespace --pod --job
  --metric       may be repeated
  --start_time   --end_time: RFC 3339, seconds since the epoch, or now-1h

Exit status: 0 everything was written, 1 something failed, 2 bad usage, 130 interrupted.
`;

const refuse = (problem: string): never => {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  process.exit(2);
};

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        ...Object.fromEntries(PARAMETERS.map((name) => [name, { type: "string", multiple: true } as const])),
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { values, positionals } = readArguments();
if (values.help === true) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const [file = "telemetry.csv.zst", ...others] = positionals;
if (others.length > 0) refuse(`FILE must be given once, got ${positionals.length}`);
if (!/\.(?:csv|ndjson)(?:\.zst|\.gz)?$/.test(file)) {
  refuse(`FILE must end in .csv or .ndjson, also with .zst or .gz, got ${JSON.stringify(file)}`);
}
const query = new URLSearchParams(
  PARAMETERS.flatMap((name) =>
    ((values as Partial<Record<string, string[]>>)[name] ?? []).map((value) => [name, value]),
  ),
);

const { exportReadings } = await import("./export-program.ts");
await exportReadings(file, query);
