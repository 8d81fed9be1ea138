/** Runs a bench by name. `bun run bench ingest` */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { z } from "zod";
import { byteSize, integer } from "../../services/platform/process/env.ts";
import { ATTACKS } from "./abuse/bad.ts";
import { benchAbuse } from "./abuse.ts";
import { benchApi } from "./api.ts";
import { benchBacklog } from "./backlog.ts";
import { benchFormats } from "./formats.ts";
import { FORM_NAMES } from "./forms.ts";
import { benchIngest } from "./ingest.ts";
import { benchLive } from "./live.ts";
import { benchMemory } from "./memory.ts";
import { benchMongodbWrites } from "./mongodb-writes.ts";
import { benchNewGpus } from "./new-gpus.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchQueue } from "./queue.ts";

const USAGE = `Usage: npx -y bun run bench NAME [options]

  ingest    CSV file to queryable, against VictoriaMetrics: wall time, CPU, memory, disk
              --readings N     readings in the file (1000000)
              --rounds N       runs per side, in turn (3)
              --only FORMS     forms of the file, separated by commas: usual, columns, labels, holders (usual)
  abuse     what 50 well-behaved clients notice of 200 misbehaving ones, and the memory of each process
              --seconds N      seconds of abuse (60)
              --only KINDS     kinds of misbehaviour, separated by commas (all); the table of outcomes names them
  api       REST and GraphQL under load, against a bare handler with the same bytes; the cost of federation
              --rounds N       runs per side, in turn (3)
              --seconds N      seconds of load per run (3)
  backlog   streamer to queue without a collector, then storing all of it: memory of Redis and of the streamer
              --readings N     readings in the backlog (5000000)
              --batch N        readings in a batch (the streamer's default at full speed)
  formats   ingest of a large file of each format that is read: pace, CPU, memory, disk
              --size SIZE      size of each file (1GiB)
  live      many live subscribers: latency, memory, and the latency of joined queries
              --subscribers N  subscribers over WebSocket, and the same number over SSE (400)
              --readings N     readings per second (10000)
              --seconds N      seconds of load (60)
  memory    peak memory of ingest on a large file
              --size SIZE      size of the file (1GiB)
  mongodb-writes
            documents that four collectors write into MongoDB for 240 GPUs in a simulated hour
  new-gpus  one save of a batch of GPUs that the store has never seen: 2,000, 20,000 and 100,000
  queue     publish, claim + ack and latency of the queue on Redis, against BullMQ on the same Redis
              --messages N     messages of one reading; a fifth as many of 500 readings follow (50000)
              --rounds N       runs per side, in turn (3)
  pipeline  CSV file to queryable through streamer, queue-service, Redis and collector as processes, into SQLite
            and into a MongoDB-compatible server, against VictoriaMetrics
              --readings N     readings in the file (1000000)
              --rounds N       runs per side, in turn (3)

  --json FILE   also writes all figures to a file
`;

const OPTIONS = {
  readings: { type: "string" },
  subscribers: { type: "string" },
  rounds: { type: "string" },
  size: { type: "string" },
  messages: { type: "string" },
  batch: { type: "string" },
  seconds: { type: "string" },
  only: { type: "string" },
  json: { type: "string" },
  help: { type: "boolean" },
} as const;

class UsageError extends Error {}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function readNumber(name: string, text: string, field: z.ZodType<number, string>): number {
  const outcome = field.safeParse(text);
  if (outcome.success) return outcome.data;
  throw new UsageError(`--${name} must be ${outcome.error.issues[0]?.message}, got ${JSON.stringify(text)}`);
}

type Values = ReturnType<typeof readOptions>["values"];

const print = (text: string) => void process.stdout.write(text);
const readingsOf = ({ readings = "1000000" }: Values) =>
  readNumber("readings", readings, integer({ min: 1000, max: 1e9 }));
const roundsOf = ({ rounds = "3" }: Values) => readNumber("rounds", rounds, integer({ min: 1, max: 100 }));

/** @throws UsageError */
function readOnly<Name extends string>(text: string, all: readonly Name[]): readonly Name[] {
  const names = text.split(",").map((name) => name.trim());
  const isKnown = (name: string): name is Name => all.some((known) => known === name);
  const known = names.filter(isKnown);
  if (known.length === names.length) return known;
  const unknown = names.find((name) => !isKnown(name));
  throw new UsageError(`--only must be some of ${all.join(", ")}, got ${JSON.stringify(unknown)}`);
}

/** Each reads its options and returns the run. */
const BENCHES: Readonly<Record<string, (values: Values) => () => Promise<object>>> = {
  abuse: ({ only, seconds = "60" }) => {
    const load = { good: 50, bad: 200, seconds: readNumber("seconds", seconds, integer({ min: 5, max: 3600 })) };
    const all = Object.keys(ATTACKS);
    const kinds = only === undefined ? all : readOnly(only, all);
    return () => benchAbuse({ ...load, kinds }, print);
  },
  api: (values) => {
    const seconds = readNumber("seconds", values.seconds ?? "3", integer({ min: 1, max: 600 }));
    const rounds = roundsOf(values);
    return () => benchApi({ rounds, seconds }, print);
  },
  backlog: ({ batch, readings = "5000000" }) => {
    const options = {
      readings: readNumber("readings", readings, integer({ min: 1e6, max: 1e9 })),
      batchSize: batch === undefined ? null : readNumber("batch", batch, integer({ min: 1, max: 65_536 })),
    };
    return () => benchBacklog(options, print);
  },
  formats: ({ size = "1GiB" }) => {
    const bytes = readNumber("size", size, byteSize({ min: 1 << 20 }));
    return () => benchFormats({ bytes }, print);
  },
  ingest: (values) => {
    const forms = readOnly(values.only ?? "usual", FORM_NAMES);
    const options = { readings: readingsOf(values), rounds: roundsOf(values), forms };
    return () => benchIngest(options, print);
  },
  live: ({ subscribers = "400", readings = "10000", seconds = "60" }) => {
    const options = {
      subscribers: readNumber("subscribers", subscribers, integer({ min: 1, max: 1000 })),
      // Each GPU has ten metrics and a reading of each once a second.
      gpus: readNumber("readings", readings, integer({ min: 1000, max: 1e6 })) / 10,
      seconds: readNumber("seconds", seconds, integer({ min: 1, max: 3600 })),
    };
    return () => benchLive(options, print);
  },
  memory: ({ size = "1GiB" }) => {
    const bytes = readNumber("size", size, byteSize({ min: 1 << 20 }));
    return () => benchMemory({ bytes }, print);
  },
  "mongodb-writes": () => () => benchMongodbWrites(print),
  "new-gpus": () => () => benchNewGpus(print),
  pipeline: (values) => {
    const options = { readings: readingsOf(values), rounds: roundsOf(values) };
    return () => benchPipeline(options, print);
  },
  queue: (values) => {
    const messages = readNumber("messages", values.messages ?? "50000", integer({ min: 1000, max: 1e6 }));
    const rounds = roundsOf(values);
    return () => benchQueue({ messages, rounds }, print);
  },
};

/** @throws UsageError */
function chooseBench({ positionals, values }: ReturnType<typeof readOptions>) {
  const names = positionals.join(" ");
  const read = Object.hasOwn(BENCHES, names) ? BENCHES[names] : undefined;
  if (read === undefined)
    throw new UsageError(`NAME must be one of ${Object.keys(BENCHES).join(", ")}, got "${names}"`);
  return { json: values.json, run: read(values) };
}

try {
  const given = readOptions(process.argv.slice(2));
  if (given.values.help === true) {
    print(USAGE);
  } else {
    const { json, run } = chooseBench(given);
    const figures = await run();
    if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, null, 2)}\n`);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
