/** Parses the command line of the simulated fleet. */
import { formatTimestamp } from "../../schema/model/timestamp.ts";
import { duration, integer } from "../../services/platform/process/env.ts";
import { parseOptions, readField, readInterval, readStart, UsageError } from "../arguments.ts";
import {
  DEFAULT_FLEET,
  DROPPABLE,
  type FleetOptions,
  LAYOUTS,
  type Layout,
  MAX_GPUS_PER_HOST,
  MAX_LOOKBACK_MS,
  SCRAPES,
} from "./options.ts";

export interface FleetArguments {
  readonly options: FleetOptions;
  readonly layout: Layout;
  /** Where to write the rows: a file, `-` for standard output, or null for nowhere. */
  readonly out: string | null;
  /** Where to write the ledger; null: nowhere. */
  readonly ledger: string | null;
  /** How to serve the exporters on HTTP; null: not at all. */
  readonly serve: ServeArguments | null;
}

export interface ServeArguments {
  readonly port: number;
  readonly ports: "one" | "per-host";
  /** Simulated seconds in a second of the clock. */
  readonly speed: number;
  readonly slowMs: number;
}

/** Prometheus waits ten seconds by default, and dcgm-exporter itself gives up then. */
const DEFAULT_SLOW_MS = 12_000;
const DEFAULT_PORT = 9400;
const MAX_SPEED = 10_000;
const MAX_PORT = 65_535;

export const USAGE = `Usage: npx -y bun run fleet [options]

Simulates a fleet of GPUs that is used, shared, broken and mended, writes what its exporters report as CSV, and a ledger
of what each GPU and each of its holders really did. The same options give the same bytes.

  --hosts N            hosts, 1 to 100000 (${DEFAULT_FLEET.hosts})
  --gpus N             GPUs on each host, 1 to ${MAX_GPUS_PER_HOST} (${DEFAULT_FLEET.gpusPerHost})
  --interval TIME      between two ticks, such as 15s (15s)
  --duration TIME      length of the simulation, such as 30m or 24h (30m)
  --start TIME         time of the first tick, RFC 3339 (${formatTimestamp(DEFAULT_FLEET.startMs)})
  --seed N             each seed gives another fleet and history (${DEFAULT_FLEET.seed})
  --mig                some hosts have MIG instances
  --time-slicing       some hosts share each GPU between several pods
  --slurm              some hosts run Slurm jobs
  --faults             silent and slow hosts, XIDs, counter resets, lost, replaced, moved and renumbered cards

  --scrape KIND        labels that the scrape adds: ${SCRAPES.join(", ")} (${DEFAULT_FLEET.scrape})
  --host-label NAME    Hostname or hostname (${DEFAULT_FLEET.hostLabel})
  --host-is KIND       what the host label names: node, or pod for the exporter's own (${DEFAULT_FLEET.hostIs})
  --old-namespace      label names of dcgm-exporter --use-old-namespace: uuid, pod_name, pod_namespace, container_name
  --clusters N         spread the hosts over clusters, which have hosts of equal names; 0: no label cluster (0)
  --drop-labels LIST   labels that the fleet drops, separated by commas: ${DROPPABLE.join(", ")}

  --out FILE           CSV: .csv, .csv.gz or .csv.zst; - is standard output
  --layout LAYOUT      of the CSV: ${LAYOUTS.join(", ")} (${LAYOUTS[0]})
  --lookback TIME      for how long the CSV repeats the rows of an ended series, 0 to 5m (0)
  --ledger FILE        JSON: .json, .json.gz or .json.zst

  --serve              serve the exporters on http://127.0.0.1, from now on for the duration (without --start)
  --port N             port of /targets, the list of exporters in the form of Prometheus' http_sd (${DEFAULT_PORT})
  --ports KIND         one: exporters under /HOST/metrics on the same port;
                       per-host: each under /metrics on a port of its own, from --port + 1 on (one)
  --speed N            simulated seconds in a second, 1 to ${MAX_SPEED} (1)
  --slow-answer TIME   after which a slow exporter closes the connection without an answer (12s)
  --help               this text
`;

const OPTIONS = {
  hosts: { type: "string" },
  gpus: { type: "string" },
  interval: { type: "string" },
  duration: { type: "string" },
  start: { type: "string" },
  seed: { type: "string" },
  mig: { type: "boolean" },
  "time-slicing": { type: "boolean" },
  slurm: { type: "boolean" },
  faults: { type: "boolean" },
  scrape: { type: "string" },
  "host-label": { type: "string" },
  "host-is": { type: "string" },
  "old-namespace": { type: "boolean" },
  clusters: { type: "string" },
  "drop-labels": { type: "string" },
  out: { type: "string" },
  layout: { type: "string" },
  lookback: { type: "string" },
  ledger: { type: "string" },
  serve: { type: "boolean" },
  port: { type: "string" },
  ports: { type: "string" },
  speed: { type: "string" },
  "slow-answer": { type: "string" },
  help: { type: "boolean" },
} as const;

const isOneOf = <const T extends string>(text: string, accepted: readonly T[]): text is T =>
  (accepted as readonly string[]).includes(text);

function readChoice<const T extends string>(
  name: string,
  text: string | undefined,
  accepted: readonly T[],
  otherwise: T,
): T {
  if (text === undefined) return otherwise;
  if (isOneOf(text, accepted)) return text;
  throw new UsageError(`--${name} must be one of ${accepted.join(", ")}, got ${JSON.stringify(text)}`);
}

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>;

/**
 * @param nowMs time of the clock, at which served exporters begin
 * @returns "help" for `--help`
 * @throws UsageError
 */
export function parseFleetArguments(args: readonly string[], nowMs: number): FleetArguments | "help" {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return "help";
  const { out = null, ledger = null } = values;
  const options = readOptions(values, values.serve === true ? nowMs : DEFAULT_FLEET.startMs);
  const serve = readServe(values, options);
  if (out === null && ledger === null && serve === null)
    throw new UsageError("--out, --ledger or --serve must be given");
  for (const [name, file] of Object.entries({ out, ledger })) {
    if (file === "") throw new UsageError(`--${name} must be a file name, got ""`);
  }
  if (out === "-" && ledger === "-") throw new UsageError("only one of --out and --ledger can be standard output");
  return { options, layout: readChoice("layout", values.layout, LAYOUTS, LAYOUTS[0]), out, ledger, serve };
}

function readServe(values: Values, options: FleetOptions): ServeArguments | null {
  if (values.serve !== true) {
    const unused = (["port", "ports", "speed", "slow-answer"] as const).find((name) => values[name] !== undefined);
    if (unused !== undefined) throw new UsageError(`--${unused} must be given with --serve`);
    return null;
  }
  if (options.lookbackMs > 0) throw new UsageError("--lookback must be 0 with --serve: exporters repeat no row");
  const ports = readChoice("ports", values.ports, ["one", "per-host"], "one");
  const last = ports === "one" ? MAX_PORT : MAX_PORT - options.hosts;
  if (last < 0) throw new UsageError(`--ports must be one for more than ${MAX_PORT} hosts, got "per-host"`);
  return {
    port: readField("port", values.port, integer({ max: last }), DEFAULT_PORT),
    ports,
    speed: readField("speed", values.speed, integer({ min: 1, max: MAX_SPEED }), 1),
    slowMs: readField("slow-answer", values["slow-answer"], duration(), DEFAULT_SLOW_MS),
  };
}

function readOptions(values: Values, startMs: number): FleetOptions {
  const whole = (name: "hosts" | "gpus" | "seed" | "clusters", min: number, max: number, otherwise: number) =>
    readField(name, values[name], integer({ min, max }), otherwise);
  const intervalMs = readInterval(values.interval, DEFAULT_FLEET.intervalMs);
  const dropped = values["drop-labels"]?.split(",") ?? [];
  return {
    hosts: whole("hosts", 1, 100_000, DEFAULT_FLEET.hosts),
    gpusPerHost: whole("gpus", 1, MAX_GPUS_PER_HOST, DEFAULT_FLEET.gpusPerHost),
    intervalMs,
    durationMs: readField("duration", values.duration, duration({ minMs: 1 }), DEFAULT_FLEET.durationMs),
    startMs: readStart(values.start, startMs),
    seed: whole("seed", 0, 0xffff_ffff, DEFAULT_FLEET.seed),
    mig: values.mig ?? false,
    timeSlicing: values["time-slicing"] ?? false,
    slurm: values.slurm ?? false,
    faults: values.faults ?? false,
    lookbackMs: readField("lookback", values.lookback, duration({ maxMs: MAX_LOOKBACK_MS }), DEFAULT_FLEET.lookbackMs),
    scrape: readChoice("scrape", values.scrape, SCRAPES, DEFAULT_FLEET.scrape),
    hostLabel: readChoice("host-label", values["host-label"], ["Hostname", "hostname"], DEFAULT_FLEET.hostLabel),
    hostIs: readChoice("host-is", values["host-is"], ["node", "pod"], DEFAULT_FLEET.hostIs),
    oldNamespace: values["old-namespace"] ?? false,
    clusters: whole("clusters", 0, 100, DEFAULT_FLEET.clusters),
    dropLabels: dropped.map((label) => readChoice("drop-labels", label, DROPPABLE, DROPPABLE[0])),
  };
}
