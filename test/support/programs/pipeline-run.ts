/** Runs the distributed pipeline from the first row to the verdict, while a test disturbs it. */
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openHttpQueue } from "../../../services/queue/http/queue.ts";
import type { Queue, QueueStats } from "../../../services/queue/port.ts";
import { openRepository } from "../../../services/repository/open.ts";
import type { Repository } from "../../../services/repository/port.ts";
import type { Verdict } from "../chaos/comparison.ts";
import { NumberedFleet } from "../chaos/numbered-fleet.ts";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { drained } from "../queue/drained.ts";
import { compareAnswers, compareDocuments, compareInventory } from "../repository/stored-fleet.ts";
import { type PrivateMongoServer, randomDatabase } from "../servers/mongo-server.ts";
import { type RedisServer, startRedisServer } from "../servers/redis-server.ts";
import { eventually } from "../time/eventually.ts";
import { type Distributed, openDistributed, type Role } from "./distributed.ts";

const GPUS = 40;
/** Readings of a batch by default: one tick of ten GPUs. */
const BATCH_READINGS = 250;
/** Time for the streamers to end. */
const STREAM_LIMIT_MS = 600_000;
/** Time after that for the queue to be empty. */
const DRAIN_LIMIT_MS = 180_000;

export interface RunOptions {
  readonly seed: number;
  readonly readings: number;
  readonly store: PrivateMongoServer;
  readonly counts: Readonly<Record<Role, number>>;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
  /** Pause of a streamer after each batch, ms. */
  readonly intervalMs: number;
  /** Number of files of the fleet, 3 by default. Each file is a producer per streamer. */
  readonly files?: number | undefined;
  /** GPUs of the fleet, 40 by default. */
  readonly gpus?: number | undefined;
  /** Readings of a batch, 250 by default. */
  readonly batchSize?: number | undefined;
  /** See `FleetSize`. */
  readonly turnTicks?: number | undefined;
  readonly programs?: Partial<Readonly<Record<Role, string>>> | undefined;
  /** Runs before any process starts. */
  readonly prepare?: ((redis: RedisServer) => Promise<void>) | undefined;
  /** Asks the store further questions once everything is stored. */
  readonly inspect?: ((store: Repository, fleet: NumberedFleet) => Promise<void>) | undefined;
}

export interface Run {
  readonly pipeline: Distributed;
  readonly redis: RedisServer;
  readonly store: PrivateMongoServer;
  readonly database: string;
  /** Uses the same link as the services. */
  readonly queue: Queue;
  readonly fleet: NumberedFleet;
  /** Aborts when the streamers have ended. The test does not disturb the run after that. */
  readonly signal: AbortSignal;
}

export interface Report {
  readonly seconds: number;
  /** Verdict on all documents of the store. */
  readonly stored: Verdict;
  /** Verdict on the readings of two GPUs as the repository returns them. */
  readonly answers: Verdict;
  /** Differences in GPUs and their attributions. */
  readonly inventory: readonly string[];
  /** Figures of the queue once it is empty. */
  readonly stats: QueueStats;
  /** Processes that crashed, with the end of their output. */
  readonly crashes: readonly string[];
}

/** Streams a fleet through the pipeline. `meanwhile` starts once all services listen; the run waits for its end. */
export async function runPipeline(options: RunOptions, meanwhile: (run: Run) => Promise<void>): Promise<Report> {
  const startedAt = performance.now();
  const { seed, readings, store, files = 3, gpus = GPUS, turnTicks } = options;
  const fleet = NumberedFleet.of({ readings, gpus, seed, turnTicks });
  await using folder = await temporaryFolder();
  await fleet.write(folder.path, files);
  // With `everysec` Redis may answer before it writes. A kill of Redis then loses batches that are confirmed to a
  // streamer which has ended already.
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
  await options.prepare?.(redis);
  for (const member of services) member.start();
  await Promise.all(services.map((member) => member.listening()));
  for (const member of streamers) member.start();

  const ended = new AbortController();
  const events = meanwhile({ pipeline, redis, store, database, queue, fleet, signal: ended.signal });
  try {
    await Promise.race([untilStreamed(pipeline), events.then(() => untilStreamed(pipeline))]);
  } finally {
    ended.abort();
    await Promise.allSettled([events]);
  }
  await events;
  const stats = await drained(queue, { deadlineMs: DRAIN_LIMIT_MS }).catch((error: Error) => {
    const words = [...streamers, ...services].map(({ name, lastWords }) => `${name}: ${lastWords}`);
    throw new Error([error.message, ...words].join("\n\n"), { cause: error });
  });
  const crashes = crashesOf(pipeline);
  for (const member of [...collectors, ...queueServices]) await member.stop();

  const stored = await compareDocuments(store.uri, database, fleet);
  await using repository = await openRepository(
    { kind: "mongodb", url: store.uri, database, poolSize: 2, retentionMs: 0, format: 2 },
    { clock: systemClock, log: silentLogger },
  );
  const answers = await compareAnswers(repository, fleet, [seed % gpus, (seed + 1) % gpus]);
  const inventory = await compareInventory(repository, fleet);
  await options.inspect?.(repository, fleet);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return { seconds, stored, answers, inventory, stats, crashes };
}

interface Places {
  readonly redis: RedisServer;
  readonly database: string;
  readonly csvPath: string;
}

function openPipeline(
  { store, counts, leaseMs, maxDeliveries, intervalMs, batchSize = BATCH_READINGS, programs = {} }: RunOptions,
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
      streamer: {
        CSV_PATH: csvPath,
        LOOP_MODE: "false",
        STREAM_INTERVAL: `${intervalMs}ms`,
        BATCH_SIZE: String(batchSize),
      },
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
  return broken.map(({ name, ends, lastWords }) => `${name} exited with status ${ends.join(", ")}: ${lastWords}`);
}

/** A crash of a streamer ends the wait too, because no one restarts it. */
const untilStreamed = async ({ streamers }: Distributed): Promise<void> =>
  void (await eventually(() => streamers.every(({ ends }) => ends.length > 0), {
    what: "the end of the streamers",
    deadlineMs: STREAM_LIMIT_MS,
  }));
