/** Runs a bench by name. `bun run bench ingest` */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { z } from "zod";
import { byteSize, integer } from "../../services/platform/process/env.ts";
import { benchApi } from "./api.ts";
import { benchBacklog } from "./backlog.ts";
import { benchIngest } from "./ingest.ts";
import { benchLive } from "./live.ts";
import { benchMemory } from "./memory.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchQueue } from "./queue.ts";

const USAGE = `Usage: bun run bench NAME [options]

  ingest    CSV file to queryable, beside VictoriaMetrics: wall time, CPU, memory, disk
              --readings N   readings in the file (1000000)
              --rounds N     times each side runs, in turn (3)
  api       REST and GraphQL under load beside a bare handler with the same bytes, and what federation costs
              --rounds N     times each side runs, in turn (3)
              --seconds N    of load on each side in a round (3)
  backlog   streamer to queue with nobody collecting: memory of Redis and of the streamer, then all of it stored
              --readings N   readings in the backlog (5000000)
              --batch N      readings in a batch (what the streamer takes at full speed)
  live      many subscribers while readings pour in: latency, memory, ordinary queries meanwhile
              --subscribers N  over WebSocket, and as many over SSE (400)
              --readings N   a second (10000)
              --seconds N    (60)
  memory    peak memory of ingest on a large file
              --size SIZE    of the file (1GiB)
  queue     publish, claim + ack and latency of the queue on Redis, beside BullMQ on the same Redis
              --messages N   of one reading each, a fifth as many of 500 (50000)
              --rounds N     times each side runs, in turn (3)

  pipeline  CSV file to queryable through streamer, queue-service, Redis and collector as processes, into SQLite
            and a MongoDB-compatible server, beside VictoriaMetrics
              --readings N   readings in the file (1000000)
              --rounds N     times each side runs, in turn (3)

  --json FILE   writes all figures there too
`;

const OPTIONS = {
  readings: { type: "string" },
  subscribers: { type: "string" },
  rounds: { type: "string" },
  size: { type: "string" },
  messages: { type: "string" },
  batch: { type: "string" },
  seconds: { type: "string" },
  json: { type: "string" },
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
  throw new UsageError(`--${name} ${JSON.stringify(text)}: accepted is ${outcome.error.issues[0]?.message}`);
}

/** @throws UsageError */
function chooseBench(args: readonly string[]) {
  const { positionals, values } = readOptions(args);
  const { batch, rounds = "3", seconds = "3", size = "1GiB", messages = "50000", json } = values;
  const { readings = positionals[0] === "backlog" ? "5000000" : "1000000" } = values;
  const print = (text: string) => void process.stdout.write(text);
  const [name, ...others] = positionals;
  if (others.length > 0) throw new UsageError(`One bench at a time: ${positionals.join(", ")}`);
  switch (name) {
    case "ingest": {
      const options = {
        readings: readNumber("readings", readings, integer({ min: 1000, max: 1e9 })),
        rounds: readNumber("rounds", rounds, integer({ min: 1, max: 100 })),
      };
      return { json, run: () => benchIngest(options, print) };
    }
    case "api": {
      const options = {
        rounds: readNumber("rounds", rounds, integer({ min: 1, max: 100 })),
        seconds: readNumber("seconds", seconds, integer({ min: 1, max: 600 })),
      };
      return { json, run: () => benchApi(options, print) };
    }
    case "backlog": {
      const batchSize = batch === undefined ? null : readNumber("batch", batch, integer({ min: 1, max: 65_536 }));
      const options = { readings: readNumber("readings", readings, integer({ min: 1e6, max: 1e9 })), batchSize };
      return { json, run: () => benchBacklog(options, print) };
    }
    case "live": {
      const perSecond = values.readings ?? "10000";
      const options = {
        subscribers: readNumber("subscribers", values.subscribers ?? "400", integer({ min: 1, max: 1000 })),
        // Ten metrics of each GPU once a second.
        gpus: readNumber("readings", perSecond, integer({ min: 1000, max: 1e6 })) / 10,
        seconds: readNumber("seconds", values.seconds ?? "60", integer({ min: 1, max: 3600 })),
      };
      return { json, run: () => benchLive(options, print) };
    }
    case "memory": {
      const options = { bytes: readNumber("size", size, byteSize({ min: 1 << 20 })) };
      return { json, run: () => benchMemory(options, print) };
    }
    case "pipeline": {
      const options = {
        readings: readNumber("readings", readings, integer({ min: 1000, max: 1e9 })),
        rounds: readNumber("rounds", rounds, integer({ min: 1, max: 100 })),
      };
      return { json, run: () => benchPipeline(options, print) };
    }
    case "queue": {
      const options = {
        messages: readNumber("messages", messages, integer({ min: 1000, max: 1e6 })),
        rounds: readNumber("rounds", rounds, integer({ min: 1, max: 100 })),
      };
      return { json, run: () => benchQueue(options, print) };
    }
    default:
      throw new UsageError(name === undefined ? "Which bench?" : `No bench is called ${name}`);
  }
}

try {
  const { json, run } = chooseBench(process.argv.slice(2));
  const figures = await run();
  if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, null, 2)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
