/**
 * Measures a backlog: memory of Redis per reading without a collector, refused publishes at the bound of the queue,
 * memory of the streamer, and the time until everything is stored once collectors start.
 */
import { join } from "node:path";
import { writePieces } from "../../data/output.ts";
import { DEFAULT_SIMULATION, simulate } from "../../data/simulation.ts";
import { systemClock } from "../../services/platform/process/clock.ts";
import { openHttpQueue } from "../../services/queue/http/queue.ts";
import type { Queue } from "../../services/queue/port.ts";
import { PROGRAMS } from "../support/programs/distributed.ts";
import { Member } from "../support/programs/member.ts";
import { onRuntime } from "../support/programs/process.ts";
import { isDrained } from "../support/queue/drained.ts";
import { freePort } from "../support/servers/free-port.ts";
import { startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { residentBytes } from "./proc.ts";
import { redisMemoryBytes } from "./queue/redis-figures.ts";
import { countInSqlite } from "./stored.ts";
import { count, decimal, formatTable, mebibytes } from "./table.ts";
import { openWorkspace } from "./workspace.ts";

export interface BacklogBenchOptions {
  readonly readings: number;
  /** Readings in a batch; null: what the streamer takes at full speed. */
  readonly batchSize: number | null;
}

const LIMIT_MS = 600_000;
/** How long the bench watches a streamer that waits for room in the queue. */
const HELD_BACK_MS = 10_000;
/** The smallest QUEUE_MAX_BYTES that queue-service accepts. */
const LEAST_BOUND = 2 ** 20;

/** Each part has its own fleet, so no reading occurs twice. */
async function writePart(folder: string, part: number, readings: number): Promise<string> {
  const path = join(folder, `part-${part}.csv.zst`);
  const fleet = { ...DEFAULT_SIMULATION, seed: part, hosts: 30, durationMs: Number.POSITIVE_INFINITY };
  await writePieces(simulate({ ...fleet, maxRows: readings }), path);
  return path;
}

/** Samples resident memory until the condition holds. @returns bytes at each quarter of the time */
async function watchMemory(member: Member, done: () => Promise<boolean>): Promise<number[]> {
  const samples: number[] = [];
  await eventually(
    async () => {
      if (member.alive) samples.push(residentBytes(member.program.pid) ?? 0);
      await systemClock.sleep(100);
      return await done();
    },
    { what: "the end of the measurement", deadlineMs: LIMIT_MS },
  );
  const seen = samples.filter((bytes) => bytes > 0);
  return [0.25, 0.5, 0.75, 1].map((part) => seen[Math.ceil(seen.length * part) - 1] ?? 0);
}

export async function benchBacklog({ readings, batchSize }: BacklogBenchOptions, print: (text: string) => void) {
  await using workspace = await openWorkspace();
  const machine = describeMachine();
  print(`${machineLine(machine)}\n`);
  const more = Math.ceil(readings / 5);
  const [first, second] = [await writePart(workspace.path, 1, readings), await writePart(workspace.path, 2, more)];
  print(`${count(readings)} readings, then ${count(more)}, ${batchSize ?? "as many as fit"} in a batch\n\n`);

  await using redis = await startRedisServer();
  await using members = new AsyncDisposableStack();
  const QUEUE_SERVICE_URL = `http://127.0.0.1:${await freePort()}`;
  const SQLITE_PATH = join(workspace.path, "store.sqlite");
  const launch = async (role: keyof typeof PROGRAMS, env: Record<string, string>): Promise<Member> => {
    const common = { LOG_FORMAT: "json", PORT: String(await freePort()), REDIS_ADDR: redis.address, QUEUE_SERVICE_URL };
    const command = onRuntime("bun", PROGRAMS[role]);
    const member = members.use(new Member({ name: role, command, env: { ...common, SQLITE_PATH, ...env } }));
    member.start();
    await member.listening();
    return member;
  };
  const serve = (maxBytes: number) =>
    launch("queueService", { PORT: new URL(QUEUE_SERVICE_URL).port, QUEUE_MAX_BYTES: String(maxBytes) });
  const stream = (path: string) =>
    launch("streamer", {
      ...{ CSV_PATH: path, LOOP_MODE: "false", STREAM_INTERVAL: "0" },
      ...(batchSize === null ? {} : { BATCH_SIZE: String(batchSize) }),
    });

  const before = await redisMemoryBytes(redis);
  const service = await serve(2 ** 36);
  await using queue: Queue = openHttpQueue({ url: QUEUE_SERVICE_URL, token: null, clock: systemClock });
  let startedAt = performance.now();
  const streamer = await stream(first);
  const publishing = await watchMemory(streamer, async () => streamer.ends.length > 0);
  const publishS = (performance.now() - startedAt) / 1000;
  const { bytes, ready } = await queue.stats();
  const redisBytes = (await redisMemoryBytes(redis)) - before;

  await service.stop();
  await serve(Math.max(LEAST_BOUND, bytes));
  const refused = await stream(second);
  await eventually(async () => (await queue.stats()).counters.rejected > 0, {
    what: "a refusal",
    deadlineMs: LIMIT_MS,
  });
  const until = performance.now() + HELD_BACK_MS;
  const heldBack = await watchMemory(refused, async () => performance.now() > until);
  const { counters, bytes: atBound } = await queue.stats();

  startedAt = performance.now();
  for (let number = 0; number < 2; number++) await launch("collector", {});
  await eventually(async () => refused.ends.length > 0 && isDrained(await queue.stats()), {
    ...{ what: "everything stored", deadlineMs: LIMIT_MS },
  });
  const drainS = (performance.now() - startedAt) / 1000;
  const stored = await countInSqlite(SQLITE_PATH);
  if (stored !== readings + more) throw new Error(`The store has ${stored} readings of ${readings + more}`);

  const figures = {
    ...{ batches: ready, redisBytesPerReading: redisBytes / readings, bodyBytesPerReading: bytes / readings },
    ...{ publishS, publishing, rejected: counters.rejected, atBound, heldBack, drainS, stored },
  };
  print(describe(figures, readings));
  return { bench: "backlog", machine, readings, more, batchSize, ...figures };
}

interface BacklogFigures {
  readonly batches: number;
  readonly redisBytesPerReading: number;
  readonly bodyBytesPerReading: number;
  readonly publishS: number;
  readonly publishing: readonly number[];
  readonly rejected: number;
  readonly heldBack: readonly number[];
  readonly drainS: number;
  readonly stored: number;
}

const quarters = (samples: readonly number[]): string => samples.map(mebibytes).join(" ");

const describe = (figures: BacklogFigures, readings: number): string =>
  formatTable([
    ["backlog", ""],
    ["batches in the queue", count(figures.batches)],
    ["memory of Redis, bytes/reading", decimal(figures.redisBytesPerReading)],
    ["of that bodies, bytes/reading", decimal(figures.bodyBytesPerReading)],
    ["published, readings/s", count(readings / figures.publishS)],
    ["streamer at each quarter, MiB", quarters(figures.publishing)],
    ["publishes refused with 429 at the bound", count(figures.rejected)],
    [`waiting streamer, ${HELD_BACK_MS / 1000} s, MiB`, quarters(figures.heldBack)],
    ["stored, readings", count(figures.stored)],
    ["stored, readings/s", count(figures.stored / figures.drainS)],
  ]);
