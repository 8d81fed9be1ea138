/**
 * A process kills itself before or after a step of publish, claim, save, ack, nack, extend or redrive. A new process
 * takes its place while the others continue, and every reading is stored once.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { openHttpQueue } from "../../services/queue/http/queue.ts";
import type { Queue } from "../../services/queue/port.ts";
import { openRepository } from "../../services/repository/open.ts";
import { NumberedFleet } from "../support/chaos/numbered-fleet.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { type Doom, doomName } from "../support/programs/doom.ts";
import { type DoomedLife, type Situation, situated, startDoomed } from "../support/programs/doomed-life.ts";
import {
  liveAsCollector,
  liveAsQueueService,
  liveAsStreamer,
  type Surroundings,
  storeConfig,
} from "../support/programs/lives.ts";
import { drained } from "../support/queue/drained.ts";
import { compareDocuments, compareInventory } from "../support/repository/stored-fleet.ts";
import { freePort } from "../support/servers/free-port.ts";
import { type MongoServer, randomDatabase, requireMongo } from "../support/servers/mongo-server.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";

const SIGKILLED = 137;
const LEASE_MS = 400;

interface FailPoint extends Pick<DoomedLife, "role" | "situation"> {
  readonly doom: Doom;
  /** Runs after the whole file is published and before a collector starts. */
  readonly prepare?: (queue: Queue) => Promise<void>;
  readonly poison?: boolean;
}

const moments = ["before", "after"] as const;
const at = (role: FailPoint["role"], call: string, nth: number, more: Omit<FailPoint, "role" | "doom"> = {}) =>
  moments.map((moment): FailPoint => ({ role, doom: { call, moment, nth }, ...more }));
const situation = (name: Situation) => ({ situation: name });

/** Claims deliveries and lets their leases expire. */
async function abandon(queue: Queue): Promise<void> {
  const request = { max: 4, maxBytes: 1e9, leaseMs: 100, waitMs: 0 };
  const deliveries = await queue.claim(request);
  expect(deliveries).toHaveLength(4);
  const over = performance.now() + 150;
  await eventually(() => performance.now() > over, { what: "the end of the leases" });
}

/** Makes dead letters of four deliveries, and redrives them. */
async function bury(queue: Queue): Promise<void> {
  const deliveries = await queue.claim({ max: 4, maxBytes: 1e9, leaseMs: 10_000, waitMs: 0 });
  await queue.nack(
    deliveries.map(({ receipt }) => receipt),
    { kind: "reject", reason: "buried by the test" },
  );
  expect((await queue.stats()).dead).toBe(4);
  // The service may kill itself in this call; its caller retries.
  await eventually(
    () =>
      queue.deadLetters.redrive().then(
        () => true,
        () => false,
      ),
    { what: "the redrive" },
  );
}

const POINTS: readonly FailPoint[] = [
  ...at("streamer", "openProducer", 1),
  ...at("streamer", "publish", 1),
  ...at("streamer", "publish", 2),
  ...at("queue-service", "openProducer", 1),
  ...at("queue-service", "publish", 1),
  ...at("queue-service", "publish", 2),
  ...at("queue-service", "claim", 1),
  ...at("queue-service", "claim", 2, { prepare: abandon }),
  ...at("queue-service", "ack", 2),
  ...at("queue-service", "nack", 1, situation("refused")),
  ...at("queue-service", "nack", 1, { poison: true }),
  ...at("queue-service", "nack", 1, situation("stopping")),
  ...at("queue-service", "extend", 1, situation("slow")),
  ...at("queue-service", "deadLetters.redrive", 1, { prepare: bury }),
  ...at("collector", "claim", 1),
  ...at("collector", "claim", 2),
  ...at("collector", "save", 1),
  ...at("collector", "save", 2),
  ...at("collector", "insertMany", 1),
  ...at("collector", "insertMany", 2),
  ...at("collector", "insertMany", 3),
  ...at("collector", "bulkWrite", 1),
  ...at("collector", "bulkWrite", 2),
  ...at("collector", "publish", 1),
  ...at("collector", "ack", 1),
  ...at("collector", "ack", 2),
  ...at("collector", "nack", 1, situation("refused")),
  ...at("collector", "nack", 1, { poison: true }),
  ...at("collector", "nack", 1, situation("stopping")),
  ...at("collector", "extend", 1, situation("slow")),
];

const nameOf = ({ role, doom, situation: of, poison, prepare }: FailPoint): string =>
  `${role} dies ${doomName(doom)}${of ? `, ${of}` : ""}${poison ? ", poison" : ""}${prepare ? `, ${prepare.name}` : ""}`;

/** Publishes one undecodable batch, of a producer of its own. */
async function poison(queue: Queue): Promise<void> {
  const { epoch } = await queue.openProducer("poison@0/1");
  const batch = { seq: 1, body: Uint8Array.of(1, 2, 3), readings: 1, position: "" };
  const outcome = await queue.publish([batch], { producer: "poison@0/1", epoch });
  if (outcome.kind !== "accepted") throw new Error(`poison was not accepted: ${outcome.kind}`);
}

/** Waits until the queue is empty, and checks that its counters add up. */
async function settled(queue: Queue, dead: number): Promise<void> {
  const { orphans, counters, ...stats } = await drained(queue);
  expect({ dead: stats.dead, orphans }).toEqual({ dead, orphans: 0 });
  expect(counters.published).toBe(counters.acked + counters.purged + dead);
}

/** Runs all roles in this process; the one that dies runs as a process of its own first. */
async function endure(point: FailPoint, surroundings: Surroundings, port: number): Promise<void> {
  await using queue = openHttpQueue({ url: surroundings.queueUrl, token: null, clock: systemClock });
  await using lives = new AsyncDisposableStack();
  /** Runs a role until the end of this function; the role started last ends first. */
  const live = (life: (signal: AbortSignal) => Promise<void>): void => {
    const stop = new AbortController();
    const over = life(stop.signal);
    lives.defer(() => {
      stop.abort();
      return over;
    });
  };
  const serve = () => live((signal) => liveAsQueueService(surroundings, { port, signal }));
  const die = async () => {
    await using program = startDoomed({ ...point, surroundings, port });
    const status = await program.exited;
    expect({ status, ...program.output }).toEqual({ status: SIGKILLED, stdout: "", stderr: "" });
  };
  const { signal } = new AbortController();
  const death = point.role === "queue-service" ? die().then(serve) : serve();
  if (point.role === "streamer") await die();
  await liveAsStreamer(surroundings, { signal });
  if (point.poison) await poison(queue);
  await point.prepare?.(queue);
  if (point.role === "collector") await die();
  if (point.role === "queue-service") {
    const first = new AbortController();
    const life = liveAsCollector(surroundings, { ...situated(point.situation, first), signal: first.signal });
    await death;
    first.abort();
    await life;
  }
  live((signal) => liveAsCollector(surroundings, { signal }));
  await settled(queue, point.poison ? 1 : 0);
}

describe.skipIf(!haveRedisServer())("a process that dies at a step of its work", () => {
  const fleet = new NumberedFleet({ gpus: 8, ticks: 6, seed: 1 });
  let redis: RedisServer;
  let mongo: MongoServer | null;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    mongo = await requireMongo("fail points");
    redis = await startRedisServer();
    folder = await temporaryFolder();
    await fleet.write(folder.path, 1);
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await mongo?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test.each(POINTS.map((point) => [nameOf(point), point] as const))(
    "%s",
    async (_, point) => {
      if (mongo === null) return;
      await redis.command("FLUSHALL");
      const port = await freePort();
      const surroundings: Surroundings = {
        redis: redis.config,
        queueUrl: `http://127.0.0.1:${port}`,
        store: { uri: mongo.uri, database: randomDatabase() },
        csvPath: folder.path,
        batchSize: 100,
        leaseMs: LEASE_MS,
        maxDeliveries: 5,
      };
      await endure(point, surroundings, port);
      expect(await compareDocuments(mongo.uri, surroundings.store.database, fleet)).toEqual({
        ...{ readings: fleet.readings, lost: 0, twice: 0, altered: 0, examples: [] },
      });
      await using repository = await openRepository(storeConfig(surroundings), {
        clock: systemClock,
        log: silentLogger,
      });
      expect(await compareInventory(repository, fleet)).toEqual([]);
    },
    60_000,
  );
});
