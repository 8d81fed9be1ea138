/** The six services as processes give the same answers as all-in-one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Answers, answersOf } from "../../support/api/answers.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import {
  ask,
  differences,
  onePass,
  sourceEnded,
  startAllInOne,
  storedReadings,
} from "../../support/programs/all-in-one.ts";
import { addressOf } from "../../support/programs/process.ts";
import { openServices } from "../../support/programs/services.ts";
import { randomDatabase, requireMongo } from "../../support/servers/mongo-server.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { type DcgmExport, smallExport } from "../../support/sources/dcgm-export.ts";
import { eventually } from "../../support/time/eventually.ts";

const SUITE = "the six services";
const PIPELINE = encodeURIComponent("{ queues { ready leased counters { published acked } } deadLetters { total } }");

interface Pipeline {
  readonly data: {
    readonly queues: readonly {
      readonly ready: number;
      readonly leased: number;
      readonly counters: { readonly published: number; readonly acked: number };
    }[];
    readonly deadLetters: { readonly total: number };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

describe.skipIf(!haveRedisServer())(SUITE, () => {
  let csv: DcgmExport;
  let embedded: Answers;
  beforeAll(async () => {
    csv = await smallExport(folder.path);
    await using program = startAllInOne(onePass(csv.path, join(folder.path, "embedded.sqlite")));
    const address = await addressOf(program);
    await sourceEnded(program);
    embedded = await answersOf(address);
  }, 180_000);

  /**
   * Streams the export through the six services, and reads the answers of the API.
   * @param every 1 compares the readings of all GPUs with the file, n those of every nth GPU
   */
  async function pass(
    runtime: "bun" | "deno",
    redis: RedisServer,
    { store, every }: { store: Record<string, string>; every: number },
  ) {
    const streamer = { CSV_PATH: csv.path, STREAM_INTERVAL: "0", LOOP_MODE: "false" };
    await using services = await openServices({ runtime, redis: redis.address, store, streamer });
    const { members, url } = services;
    await services.start("queue-service", "collector", "inventory", "telemetry", "api-gateway");
    members.streamer.start();
    await members.streamer.ended();
    await services.ready();
    // A batch is acknowledged once it is stored.
    const pipeline = async () => (await ask<Pipeline>(`${url}/graphql?query=${PIPELINE}`)).data;
    const drained = async () => {
      const [queue] = (await pipeline()).queues;
      return queue !== undefined && queue.counters.published > 0 && queue.counters.acked === queue.counters.published;
    };
    await eventually(drained, { what: "the acknowledgement of every batch" });
    expect(await pipeline()).toMatchObject({ queues: [{ ready: 0, leased: 0 }], deadLetters: { total: 0 } });
    const compared = new Map([...csv.expected].filter((_, nth) => nth % every === 0));
    const wrong = differences(await storedReadings(url, new Set(compared.keys())), compared);
    const answers = await answersOf(url);
    const statuses: Record<string, number> = {};
    for (const [name, member] of Object.entries(members)) {
      if (name !== "streamer") statuses[name] = await member.stop();
    }
    return { answers, wrong, statuses, streamer: members.streamer.ends };
  }

  for (const runtime of ["bun", "deno"] as const) {
    test(`on ${runtime}, over Redis and SQLite, they give the answers of all-in-one`, async () => {
      await using redis = await startRedisServer();
      const outcome = await pass(runtime, redis, {
        store: { SQLITE_PATH: join(folder.path, `${runtime}.sqlite`) },
        every: 1,
      });
      expect(csv.expected.size).toBe(247);
      expect(outcome.wrong).toEqual([]);
      expect(outcome.answers).toEqual(embedded);
      expect(outcome.streamer).toEqual([0]);
      expect(Object.values(outcome.statuses)).toEqual([0, 0, 0, 0, 0]);
    }, 180_000);
  }

  test("on bun, over Redis and MongoDB, they give the answers of all-in-one", async () => {
    await using mongo = await requireMongo(SUITE);
    if (mongo === null) return;
    await using redis = await startRedisServer();
    const store = { MONGODB_URI: mongo.uri, MONGODB_DATABASE: randomDatabase() };
    // Compares some GPUs only: without indexes the server scans the collection for each page.
    const outcome = await pass("bun", redis, { store, every: 13 });
    expect(outcome.wrong).toEqual([]);
    expect(outcome.answers).toEqual(embedded);
  }, 180_000);
});
