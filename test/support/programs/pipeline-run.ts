/** One run of the distributed pipeline from the first row to the verdict, while a test does to it what it likes. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import type { Queue, QueueStats } from "../../../services/queue/port.ts";
import { openRepository } from "../../../services/repository/open.ts";
import type { Verdict } from "../chaos/comparison.ts";
import { NumberedFleet } from "../chaos/numbered-fleet.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { compareAnswers, compareDocuments, compareInventory } from "../repository/stored-fleet.ts";
import { type PrivateMongoServer, randomDatabase } from "../servers/mongo-server.ts";
import { type RedisServer, startRedisServer } from "../servers/redis-server.ts";
import { eventually } from "../time/eventually.ts";
import { type Distributed, openDistributed, type Role } from "./distributed.ts";

const GPUS = 40;
/** For the streamers to come to their end, and for the queue to be empty after that. */
const STREAM_LIMIT_MS = 240_000;
const DRAIN_LIMIT_MS = 60_000;

export interface RunOptions {
  readonly seed: number;
  readonly readings: number;
  readonly store: PrivateMongoServer;
  readonly counts: Readonly<Record<Role, number>>;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
  /** Pause of a streamer after each batch of 250 readings, which are of some ten GPUs. */
  readonly intervalMs: number;
  /** Into how many files the fleet is written; each is a producer per streamer. Default 3. */
  readonly files?: number | undefined;
  readonly programs?: Partial<Readonly<Record<Role, string>>> | undefined;
}

export interface Run {
  readonly pipeline: Distributed;
  readonly redis: RedisServer;
  readonly store: PrivateMongoServer;
  /** Through the same link as everybody's. */
  readonly queue: Queue;
  readonly fleet: NumberedFleet;
  /** Aborts when the streamers have ended: from then on the run is left alone. */
  readonly signal: AbortSignal;
}

export interface Report {
  readonly seconds: number;
  /** Document by document, and as readers are told of two of the GPUs. */
  readonly stored: Verdict;
  readonly told: Verdict;
  /** What is said wrongly of GPUs and who held them. */
  readonly inventory: readonly string[];
  /** Once the queue is empty. */
  readonly stats: QueueStats;
  /** Processes that ended although nobody ended them, with their last words. */
  readonly crashes: readonly string[];
}

/** Streams a fleet through; `meanwhile` begins when all services listen, and the run waits for its end. */
export async function runPipeline(options: RunOptions, meanwhile: (run: Run) => Promise<void>): Promise<Report> {
  const startedAt = performance.now();
  const { seed, readings, store, files = 3 } = options;
  const fleet = NumberedFleet.of({ readings, gpus: GPUS, seed });
  await using folder = await temporaryFolder();
  await fleet.write(folder.path, files);
  // With `everysec` Redis may answer before it has written, and what a streamer that has left had confirmed is then
  // lost with the process of Redis.
  await using redis = await startRedisServer({ args: ["--appendfsync", "always"] });
  const database = randomDatabase();
  await using pipeline = await openPipeline(options, { redis, database, csvPath: folder.path });
  await using queue = openHttpQueue({
    url: `http://${pipeline.links.queue.address}`,
    token: null,
    clock: systemClock,
  });
  const { streamers, queueServices, collectors } = pipeline;
  const services = [...queueServices, ...collectors];
  for (const member of services) member.start();
  await Promise.all(services.map((member) => member.listening()));
  for (const member of streamers) member.start();

  const ended = new AbortController();
  const events = meanwhile({ pipeline, redis, store, queue, fleet, signal: ended.signal });
  try {
    await Promise.race([untilStreamed(pipeline), events.then(() => untilStreamed(pipeline))]);
  } finally {
    ended.abort();
    await Promise.allSettled([events]);
  }
  await events;
  const stats = await untilEmpty(queue).catch((error: Error) => {
    const words = [...streamers, ...services].map(({ name, lastWords }) => `${name}: ${lastWords}`);
    throw new Error([error.message, ...words].join("\n\n"), { cause: error });
  });
  const crashes = crashesOf(pipeline);
  for (const member of [...collectors, ...queueServices]) await member.stop();

  const stored = await compareDocuments(store.uri, database, fleet);
  await using repository = await openRepository(
    { kind: "mongodb", url: store.uri, database, poolSize: 2, retentionMs: 0 },
    { clock: systemClock, log: silentLogger },
  );
  const told = await compareAnswers(repository, fleet, [seed % GPUS, (seed + 1) % GPUS]);
  const inventory = await compareInventory(repository, fleet);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return { seconds, stored, told, inventory, stats, crashes };
}

interface Places {
  readonly redis: RedisServer;
  readonly database: string;
  readonly csvPath: string;
}

function openPipeline(
  { store, counts, leaseMs, maxDeliveries, intervalMs, programs = {} }: RunOptions,
  { redis, database, csvPath }: Places,
): Promise<Distributed> {
  const QUEUE_LEASE = `${leaseMs}ms`;
  return openDistributed({
    redis: { host: "127.0.0.1", port: redis.port },
    store: { host: "127.0.0.1", port: store.port },
    storeEnv: (address) => ({
      MONGODB_URI: `mongodb://${address}/?directConnection=true`,
      MONGODB_DATABASE: database,
    }),
    counts,
    programs,
    env: {
      streamer: { CSV_PATH: csvPath, LOOP_MODE: "false", STREAM_INTERVAL: `${intervalMs}ms`, BATCH_SIZE: "250" },
      queueService: { QUEUE_LEASE, QUEUE_MAX_DELIVERIES: String(maxDeliveries) },
      collector: { QUEUE_LEASE, BATCH_SIZE: "5", MAX_CONCURRENT_HANDLERS: "4" },
    },
  });
}

function crashesOf({ streamers, queueServices, collectors }: Distributed): string[] {
  const broken = [
    ...streamers.filter(({ ends }) => ends.some((status) => status !== 0)),
    ...[...queueServices, ...collectors].filter(({ ends }) => ends.length > 0),
  ];
  return broken.map(({ name, ends, lastWords }) => `${name} ended with ${ends.join(", ")}: ${lastWords}`);
}

/** A streamer that crashes is not started again, so its crash ends the wait, too. */
const untilStreamed = async ({ streamers }: Distributed): Promise<void> =>
  void (await eventually(() => streamers.every(({ ends }) => ends.length > 0), {
    what: "the end of the streamers",
    deadlineMs: STREAM_LIMIT_MS,
  }));

async function untilEmpty(queue: Queue): Promise<QueueStats> {
  let last: QueueStats | undefined;
  const isEmpty = async () => {
    last = await queue.stats();
    return last.ready + last.leased + last.delayed === 0;
  };
  await eventually(() => isEmpty().catch(() => false), { what: "an empty queue", deadlineMs: DRAIN_LIMIT_MS }).catch(
    (error: Error) => {
      throw new Error(`${error.message}; ${JSON.stringify(last)}`, { cause: error });
    },
  );
  return last as QueueStats;
}
