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

/** Runs all-in-one slowly and kills it after each given number of stored batches. @returns the last, fast run */
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
      { what: `${enough} stored batches` },
    );
  }
  return startAllInOne(env);
}

/** Expects every reading of the file once from the API after the source has ended, and exit status 0 on SIGTERM. */
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

  test("resumes at the position of the queue after each kill, and stores every reading once", async () => {
    await redis.command("FLUSHALL");
    const store = join(folder.path, "killed.sqlite");
    const env = { ...onePass(csv.path, store), REDIS_ADDR: redis.address, QUEUE_LEASE: "1s" };
    await using program = await killedTwice(env, [20, 60]);
    await expectAllStored(program, csv);
  }, 180_000);

  test("sends the readings that one instance stores to the subscribers of all", async () => {
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
    let received = 0;
    while (received < csv.readings) {
      const { data } = await events.next();
      const frame = data?.readings as { readings: unknown[]; missed: number };
      received += frame.readings.length + frame.missed;
    }
    expect(received).toBe(csv.readings);
    await sourceEnded(feeding);
  }, 180_000);

  test("names unavailable dependencies in /readyz, and recovers", async () => {
    await redis.command("FLUSHALL");
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: redis.port });
    await using program = startAllInOne({
      ...onePass(csv.path, join(folder.path, "away.sqlite")),
      ...{ REDIS_ADDR: proxy.address, STREAM_INTERVAL: "1ms", BATCH_SIZE: "1000" },
    });
    const address = await addressOf(program);
    await eventually(async () => (await health(address)).status === 200, { what: "every dependency to be available" });
    {
      await using _refused = await proxy.refuse();
      proxy.cutAll();
      await eventually(async () => (await health(address)).status === 503, { what: "/readyz to answer 503" });
      expect((await health(address)).away).toEqual(expect.arrayContaining(["live feed", "queue"]));
    }
    await sourceEnded(program);
    expect(await health(address)).toEqual({ status: 200, away: [] });
    expect(differences(await storedReadings(address), csv.expected)).toEqual([]);
  }, 180_000);
});

describe("all-in-one over MongoDB", () => {
  // A small export: a MongoDB-compatible server may scan all documents for each query.
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

  test("resumes at the position of the store after each kill, and stores every reading once", async () => {
    if (mongo === null) return;
    await using program = await killedTwice(environment(mongo), [3, 6]);
    await expectAllStored(program, tiny);
  }, 180_000);

  test("and Redis resumes at the position of the queue after each kill", async () => {
    if (mongo === null || !haveRedisServer()) return;
    await using redis = await startRedisServer();
    const env = { ...environment(mongo), REDIS_ADDR: redis.address, QUEUE_LEASE: "1s" };
    await using program = await killedTwice(env, [3, 6]);
    await expectAllStored(program, tiny);
  }, 180_000);

  test("names the unavailable store in /readyz, and recovers", async () => {
    if (mongo === null) return;
    const paced = { STREAM_INTERVAL: "1ms", BATCH_SIZE: "100" };
    await using program = startAllInOne({ ...environment(mongo), ...paced });
    const address = await addressOf(program);
    await eventually(async () => (await health(address)).status === 200, { what: "every dependency to be available" });
    await mongo.kill();
    await eventually(async () => (await health(address)).away.includes("store"), { what: "/readyz to name the store" });
    await mongo.start();
    await expectAllStored(program, tiny);
  }, 180_000);
});
