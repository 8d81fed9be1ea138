/** all-in-one whose queue and live feed are Redis, whose store is MongoDB, or both. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openEvents } from "../../support/api/sse.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import {
  ask,
  differences,
  onePass,
  sourceEnded,
  startAllInOne,
  storedReadings,
} from "../../support/programs/all-in-one.ts";
import { addressOf, type Program } from "../../support/programs/process.ts";
import { openFaultProxy } from "../../support/servers/fault-proxy.ts";
import { type PrivateMongoServer, randomDatabase, requirePrivateMongo } from "../../support/servers/mongo-server.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { type DcgmExport, largeExport, tinyExport } from "../../support/sources/dcgm-export.ts";
import { eventually } from "../../support/time/eventually.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let csv: DcgmExport;
beforeAll(async () => {
  folder = await temporaryFolder();
  csv = await largeExport(folder.path);
});
afterAll(() => folder[Symbol.asyncDispose]());

const health = async (address: string) => {
  const response = await fetch(`${address}/readyz`);
  const { dependencies = {} } = (await response.json()) as { dependencies?: Record<string, string> };
  return { status: response.status, away: Object.keys(dependencies).sort() };
};

/** Runs it at a pace, kills it whenever it has stored so many batches, and starts it again; returns the last start. */
async function killedTwice(env: Record<string, string>, batches: readonly number[]): Promise<Program> {
  for (const enough of batches) {
    const slow = { STREAM_INTERVAL: "1ms", BATCH_SIZE: "100", COLLECTOR_BATCH_SIZE: "1", MAX_CONCURRENT_HANDLERS: "1" };
    await using program = startAllInOne({ ...env, ...slow });
    const address = await addressOf(program);
    await eventually(
      async () => {
        const text = await (await fetch(`${address}/metrics`)).text();
        return Number(/collector_batches_total (\d+)/.exec(text)?.[1]) >= enough;
      },
      { what: `${enough} batches are stored` },
    );
  }
  return startAllInOne(env);
}

/** Once the source has ended, the API tells every reading of the file once; then it stops well. */
async function expectAllStored(program: Program, csv: DcgmExport): Promise<void> {
  const address = await addressOf(program);
  await sourceEnded(program);
  expect(differences(await storedReadings(address), csv.expected)).toEqual([]);
  expect((await ask<{ status: string }>(`${address}/health`)).status).toBe("healthy");
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
}

describe.skipIf(!haveRedisServer())("all-in-one over Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  test("killed again and again, it goes on where the queue says, and stores every reading once", async () => {
    await redis.command("FLUSHALL");
    const store = join(folder.path, "killed.sqlite");
    const env = { ...onePass(csv.path, store), REDIS_ADDR: redis.address, QUEUE_LEASE: "1s" };
    await using program = await killedTwice(env, [20, 60]);
    await expectAllStored(program, csv);
  }, 180_000);

  test("what any of them stores, the subscribers of all are told", async () => {
    await redis.command("FLUSHALL");
    const shared = { REDIS_ADDR: redis.address };
    await using watching = startAllInOne({
      ...onePass(csv.path, join(folder.path, "watching.sqlite")),
      ...shared,
      STREAMER_SHARD: "1",
    });
    const query = 'subscription { readings(minInterval: "100ms") { missed readings { value } } }';
    await using events = await openEvents(await addressOf(watching), query);
    await events.next();
    await using feeding = startAllInOne({ ...onePass(csv.path, join(folder.path, "feeding.sqlite")), ...shared });
    let told = 0;
    while (told < csv.readings) {
      const { data } = await events.next();
      const frame = data?.readings as { readings: unknown[]; missed: number };
      told += frame.readings.length + frame.missed;
    }
    expect(told).toBe(csv.readings);
    await sourceEnded(feeding);
  }, 180_000);

  test("says what is away, and goes on when it is back", async () => {
    await redis.command("FLUSHALL");
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: redis.port });
    await using program = startAllInOne({
      ...onePass(csv.path, join(folder.path, "away.sqlite")),
      ...{ REDIS_ADDR: proxy.address, STREAM_INTERVAL: "1ms", BATCH_SIZE: "1000" },
    });
    const address = await addressOf(program);
    await eventually(async () => (await health(address)).status === 200, { what: "all of it is there" });
    {
      await using _refused = await proxy.refuse();
      proxy.cutAll();
      await eventually(async () => (await health(address)).status === 503, { what: "it is not ready" });
      expect((await health(address)).away).toEqual(expect.arrayContaining(["live feed", "queue"]));
    }
    await sourceEnded(program);
    expect(await health(address)).toEqual({ status: 200, away: [] });
    expect(differences(await storedReadings(address), csv.expected)).toEqual([]);
  }, 180_000);
});

describe("all-in-one over MongoDB", () => {
  // A server that answers as MongoDB does may look through all documents for each question.
  let tiny: DcgmExport;
  let mongo: PrivateMongoServer | null = null;
  beforeAll(async () => {
    tiny = await tinyExport(folder.path);
    mongo = await requirePrivateMongo("all-in-one over MongoDB");
  }, 120_000);
  afterAll(() => mongo?.[Symbol.asyncDispose]());

  const environment = ({ uri }: PrivateMongoServer): Record<string, string> => {
    const { SQLITE_PATH: _, ...once } = onePass(tiny.path, "");
    return { ...once, MONGODB_URI: uri, MONGODB_DATABASE: randomDatabase() };
  };

  test("killed again and again, it goes on where the store says, and stores every reading once", async () => {
    if (mongo === null) return;
    await using program = await killedTwice(environment(mongo), [3, 6]);
    await expectAllStored(program, tiny);
  }, 180_000);

  test("and Redis, killed again and again, it goes on where the queue says", async () => {
    if (mongo === null || !haveRedisServer()) return;
    await using redis = await startRedisServer();
    const env = { ...environment(mongo), REDIS_ADDR: redis.address, QUEUE_LEASE: "1s" };
    await using program = await killedTwice(env, [3, 6]);
    await expectAllStored(program, tiny);
  }, 180_000);

  test("says that the store is away, and goes on when it is back", async () => {
    if (mongo === null) return;
    const paced = { STREAM_INTERVAL: "1ms", BATCH_SIZE: "100" };
    await using program = startAllInOne({ ...environment(mongo), ...paced });
    const address = await addressOf(program);
    await eventually(async () => (await health(address)).status === 200, { what: "every dependency to be available" });
    await mongo.kill();
    await eventually(async () => (await health(address)).away.includes("store"), { what: "the store is named" });
    await mongo.start();
    await expectAllStored(program, tiny);
  }, 180_000);
});
