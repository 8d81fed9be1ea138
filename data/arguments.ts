/** Parses the command line of the generator. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { formatTimestamp, parseTimestamp, TIMESTAMP_FORM } from "../schema/model/timestamp.ts";
import { duration, integer } from "../services/platform/process/env.ts";
import { MAX_GPUS_PER_HOST } from "./fleet.ts";
import { DEFAULT_SIMULATION, type SimulationOptions } from "./simulation.ts";

export interface GeneratorArguments extends SimulationOptions {
  /** Where to write the rows: a file, `-` for standard output, or null for the committed sample. */
  readonly out: string | null;
}

/** An unusable command line. The message names the option, its value and the accepted values. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `Usage: npx -y bun run sample [options]

Simulates a fleet of GPUs and writes what dcgm-exporter would have reported, as CSV.

  --hosts N         hosts, 1 to 100000 (${DEFAULT_SIMULATION.hosts})
  --gpus N          GPUs on each host, 1 to ${MAX_GPUS_PER_HOST} (${DEFAULT_SIMULATION.gpusPerHost})
  --interval TIME   between two ticks, such as 15s (15s)
  --duration TIME   length of the recording, such as 30m or 24h (30m)
  --start TIME      time of the first tick, RFC 3339 (${formatTimestamp(DEFAULT_SIMULATION.startMs)})
  --seed N          each seed gives another fleet and history (${DEFAULT_SIMULATION.seed})
  --out FILE        .csv, .csv.gz or .csv.zst; - is standard output;
                    without any option it is data/sample.csv.gz
  --help            this text
`;

const OPTIONS = {
  hosts: { type: "string" },
  gpus: { type: "string" },
  interval: { type: "string" },
  duration: { type: "string" },
  start: { type: "string" },
  seed: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean" },
} as const;

type Field = ReturnType<typeof integer>;

/** @throws UsageError */
export function readField(name: string, text: string | undefined, field: Field, otherwise: number): number {
  if (text === undefined) return otherwise;
  const outcome = field.safeParse(text);
  if (outcome.success) return outcome.data;
  throw new UsageError(`--${name} must be ${outcome.error.issues[0]?.message}, got ${JSON.stringify(text)}`);
}

/** @throws UsageError */
export function readInterval(text: string | undefined, otherwise: number): number {
  const intervalMs = readField("interval", text, duration({ minMs: 1 }), otherwise);
  if (Number.isInteger(intervalMs)) return intervalMs;
  throw new UsageError(`--interval must be in whole milliseconds, got ${JSON.stringify(text)}`);
}

/** @throws UsageError */
export function readStart(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const start = parseTimestamp(text);
  if (!start.ok) throw new UsageError(`--start ${start.error}`);
  if (Number.isInteger(start.value)) return start.value;
  throw new UsageError(`--start must be ${TIMESTAMP_FORM} in whole milliseconds, got ${JSON.stringify(text)}`);
}

/**
 * @returns "help" for `--help`
 * @throws UsageError
 */
export function parseArguments(args: readonly string[]): GeneratorArguments | "help" {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return "help";
  const { out, ...rest } = values;
  if (out === undefined && Object.keys(rest).length > 0) {
    throw new UsageError("--out must be given with other options: a file name, or - for standard output");
  }
  if (out === "") throw new UsageError('--out must be a file name, or - for standard output, got ""');
  const simulation = {
    hosts: readField("hosts", values.hosts, integer({ min: 1, max: 100_000 }), DEFAULT_SIMULATION.hosts),
    gpusPerHost: readField(
      "gpus",
      values.gpus,
      integer({ min: 1, max: MAX_GPUS_PER_HOST }),
      DEFAULT_SIMULATION.gpusPerHost,
    ),
    intervalMs: readInterval(values.interval, DEFAULT_SIMULATION.intervalMs),
    durationMs: readField("duration", values.duration, duration({ minMs: 1 }), DEFAULT_SIMULATION.durationMs),
    startMs: readStart(values.start, DEFAULT_SIMULATION.startMs),
    seed: readField("seed", values.seed, integer({ max: 0xffff_ffff }), DEFAULT_SIMULATION.seed),
  };
  return { ...simulation, out: out ?? null };
}

/** @throws UsageError */
export function parseOptions<const T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
