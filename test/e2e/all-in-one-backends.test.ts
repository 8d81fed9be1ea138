/** all-in-one whose queue and live feed are Redis. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ask, differences, onePass, sourceEnded, startAllInOne, storedReadings } from "../support/all-in-one.ts";
import { type DcgmExport, largeExport } from "../support/dcgm-export.ts";
import { eventually } from "../support/eventually.ts";
import { openFaultProxy } from "../support/fault-proxy.ts";
import { addressOf } from "../support/process.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { openEvents } from "../support/sse.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.skipIf(!haveRedisServer())("all-in-one over Redis", () => {
  let redis: RedisServer;
  let csv: DcgmExport;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    redis = await startRedisServer();
    folder = await temporaryFolder();
    csv = await largeExport(folder.path);
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const health = async (address: string) => {
    const response = await fetch(`${address}/readyz`);
    const { dependencies = {} } = (await response.json()) as { dependencies?: Record<string, string> };
    return { status: response.status, away: Object.keys(dependencies).sort() };
  };

  test("killed again and again, it goes on where the queue says, and stores every reading once", async () => {
    await redis.command("FLUSHALL");
    const store = join(folder.path, "killed.sqlite");
    const env = { ...onePass(csv.path, store), REDIS_ADDR: redis.address, QUEUE_LEASE: "1s" };
    for (const enough of [20, 60]) {
      await using program = startAllInOne({ ...env, STREAM_INTERVAL: "1ms", BATCH_SIZE: "100" });
      const address = await addressOf(program);
      await eventually(
        async () => {
          const text = await (await fetch(`${address}/metrics`)).text();
          return Number(/collector_batches_total (\d+)/.exec(text)?.[1]) >= enough;
        },
        { what: `${enough} batches are stored` },
      );
    }
    await using program = startAllInOne(env);
    const address = await addressOf(program);
    await sourceEnded(program);
    expect(differences(await storedReadings(address), csv.expected)).toEqual([]);
    expect((await ask<{ status: string }>(`${address}/health`)).status).toBe("healthy");
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  }, 60_000);

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
  }, 30_000);

  test("says what is away, and goes on when it is back", async () => {
    await redis.command("FLUSHALL");
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: redis.port });
    await using program = startAllInOne({
      ...onePass(csv.path, join(folder.path, "away.sqlite")),
      ...{ REDIS_ADDR: proxy.address, STREAM_INTERVAL: "1ms", BATCH_SIZE: "1000" },
    });
    const address = await addressOf(program);
    expect(await health(address)).toEqual({ status: 200, away: [] });
    {
      await using _refused = await proxy.refuse();
      proxy.cutAll();
      await eventually(async () => (await health(address)).status === 503, { what: "it is not ready" });
      expect((await health(address)).away).toEqual(expect.arrayContaining(["live feed", "queue"]));
    }
    await sourceEnded(program);
    expect(await health(address)).toEqual({ status: 200, away: [] });
    expect(differences(await storedReadings(address), csv.expected)).toEqual([]);
  }, 60_000);
});
