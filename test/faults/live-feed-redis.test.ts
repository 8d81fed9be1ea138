/** The live feed of several processes on one Redis, while connections and the server fail. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LiveFeed, LiveFrame } from "../../services/live-feed/port.ts";
import { openRedisLiveFeed } from "../../services/live-feed/redis/feed.ts";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { createMetrics } from "../../services/platform/process/metrics.ts";
import type { RedisConfig } from "../../services/platform/redis/config.ts";
import { values } from "../conformance/live-feed/bench.ts";
import { batchOfReadings, uuidOf, type WrittenReading } from "../support/collector/batches.ts";
import { metricValue } from "../support/process/metric-value.ts";
import { type FaultProxy, openFaultProxy } from "../support/servers/fault-proxy.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { isPending } from "../support/time/pending.ts";

const publish = (feed: LiveFeed, ...readings: readonly WrittenReading[]) => feed.publish([batchOfReadings(readings)]);

/** Values of GPU 1, one per second. */
const series = (from: number, to: number): WrittenReading[] =>
  Array.from({ length: to - from }, (_, index) => ({ after: (from + index) * 1000, value: from + index }));

async function next(frames: AsyncIterator<LiveFrame>): Promise<LiveFrame> {
  const { done, value } = await frames.next();
  if (done) throw new Error("the subscription has ended");
  return value;
}

/** Reads frames up to the one with this value, and adds up what they missed. */
async function missedUntil(frames: AsyncIterator<LiveFrame>, value: number): Promise<number> {
  let missed = 0;
  for (;;) {
    const frame = await next(frames);
    missed += frame.missed;
    if (frame.readings.some((reading) => reading.value === value)) return missed;
  }
}

describe.skipIf(!haveRedisServer())("live feeds on one Redis", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer({ args: ["--client-output-buffer-limit", "pubsub 2mb 0 0"] });
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  async function openFeed(db: number, config: RedisConfig = redis.config) {
    const metrics = createMetrics();
    const feed = await openRedisLiveFeed({ redis: { ...config, db }, clock: systemClock, log: silentLogger, metrics });
    return {
      feed,
      counted: (name: string) => metricValue(metrics, `live_${name}_total`),
      [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
    };
  }

  let lastDatabase = -1;
  /** Channel names carry the number of the database, so each test has channels of its own. */
  const nextDatabase = (): number => ++lastDatabase;

  /** Channels of the database that have subscribers. */
  const subscribed = async (db: number) =>
    (await redis.command("PUBSUB", "CHANNELS", `live:telemetry:${db}:*`)) as string[];

  const through = ({ port }: FaultProxy): RedisConfig => ({
    ...redis.config,
    addresses: [{ host: "127.0.0.1", port }],
  });

  const killSubscribers = () => redis.command("CLIENT", "KILL", "TYPE", "pubsub");

  test("every process receives what one publishes", async () => {
    const db = nextDatabase();
    await using collector = await openFeed(db);
    await using here = await openFeed(db);
    await using there = await openFeed(db);
    const all = await Promise.all([here, there].map(({ feed }) => feed.subscribe({ minIntervalMs: 0 })));
    await publish(collector.feed, { value: 7 });
    for (const frames of all) expect(await values(frames)).toEqual([7]);
  });

  test("a process subscribes to the channels that its subscribers need, for as long as they need them", async () => {
    const db = nextDatabase();
    await using collector = await openFeed(db);
    await using gateway = await openFeed(db);
    const filters = [{ gpus: [uuidOf(1)] }, { gpus: [uuidOf(1), uuidOf(2)] }, { hosts: ["host-1"] }];
    const [one, two, host] = await Promise.all(
      filters.map((filter) => gateway.feed.subscribe({ filter, minIntervalMs: 0 })),
    );
    expect((await subscribed(db)).length).toBe(64);
    await host?.return?.();
    await eventually(async () => (await subscribed(db)).length === 2, { what: "the channels of two GPUs" });
    await two?.return?.();
    await eventually(async () => (await subscribed(db)).length === 1, { what: "the channel of one GPU" });
    await publish(collector.feed, { value: 1 }, { gpu: 2, value: 2 }, { gpu: 3, value: 3 });
    expect(await values(one as AsyncIterator<LiveFrame>)).toEqual([1]);
    expect(await collector.counted("messages_said")).toBe(1);
    await one?.return?.();
    await eventually(async () => (await subscribed(db)).length === 0, { what: "no channel" });
  });

  test("nothing is published without subscribers, and it does not count as missed", async () => {
    const db = nextDatabase();
    await using collector = await openFeed(db);
    await using gateway = await openFeed(db);
    await publish(collector.feed, { value: 1 });
    expect(await collector.counted("messages_said")).toBe(0);
    const frames = await gateway.feed.subscribe({ minIntervalMs: 0 });
    await publish(collector.feed, { after: 1000, value: 2 });
    expect(await next(frames)).toMatchObject({ readings: [{ value: 2 }], missed: 0 });
  });

  test("after a cut connection, subscribers learn that values are missing, and then how many", async () => {
    const db = nextDatabase();
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: redis.port });
    await using collector = await openFeed(db);
    await using gateway = await openFeed(db, through(proxy));
    const frames = await gateway.feed.subscribe({ minIntervalMs: 0 });
    await publish(collector.feed, ...series(0, 3));
    expect(await next(frames)).toMatchObject({ readings: [{ value: 2 }], missed: 2 });
    {
      await using _refused = await proxy.refuse();
      await killSubscribers();
      await publish(collector.feed, ...series(3, 10));
    }
    expect(await next(frames)).toEqual({ readings: [], missed: 1 });
    await publish(collector.feed, { after: 10_000, value: 10 });
    expect(await missedUntil(frames, 10)).toBe(7);
    await publish(collector.feed, { after: 11_000, value: 11 });
    expect(await next(frames)).toMatchObject({ readings: [{ value: 11 }], missed: 0 });
    expect(await gateway.counted("values_lost")).toBe(8);
  });

  test("values that other channels lost do not count", async () => {
    const db = nextDatabase();
    await using collector = await openFeed(db);
    await using gateway = await openFeed(db);
    const frames = await gateway.feed.subscribe({ filter: { gpus: [uuidOf(1)] }, minIntervalMs: 0 });
    await publish(collector.feed, { value: 1 }, { gpu: 2, value: 2 });
    await next(frames);
    await killSubscribers();
    await publish(collector.feed, { gpu: 2, after: 1000, value: 3 });
    await publish(collector.feed, { gpu: 2, after: 2000, value: 4 });
    expect(await next(frames)).toEqual({ readings: [], missed: 1 });
    await publish(collector.feed, { after: 3000, value: 5 });
    expect(await next(frames)).toMatchObject({ readings: [{ value: 5 }], missed: 0 });
  });

  test("a process that Redis cuts for reading too slowly subscribes again and counts what it missed", async () => {
    const db = nextDatabase();
    await using proxy = await openFaultProxy({ host: "127.0.0.1", port: redis.port });
    await using collector = await openFeed(db);
    await using gateway = await openFeed(db, through(proxy));
    const frames = await gateway.feed.subscribe({ minIntervalMs: 0 });
    await publish(collector.feed, { value: -1 });
    await next(frames);
    let published = 0;
    {
      using _stall = proxy.stall();
      // The buffers of the sockets fill first, then the server's.
      while ((await subscribed(db)).length > 0) {
        const noise = Array.from({ length: 65_536 }, (_, index) => ({
          after: published + index,
          value: Math.random(),
        }));
        await publish(collector.feed, ...noise);
        published += noise.length;
      }
    }
    await eventually(async () => (await subscribed(db)).length === 64, { what: "it has subscribed again" });
    const last = published + 1000;
    await publish(collector.feed, { after: last, value: 2 });
    expect(await missedUntil(frames, 2)).toBeGreaterThan(1);
    expect(await gateway.counted("values_lost")).toBeGreaterThan(1);
    await publish(collector.feed, { after: last + 1000, value: 3 });
    expect(await next(frames)).toMatchObject({ readings: [{ value: 3 }], missed: 0 });
  }, 60_000);

  test("subscriptions survive a restart of Redis", async () => {
    const db = nextDatabase();
    await using own = await startRedisServer();
    await using collector = await openFeed(db, own.config);
    await using gateway = await openFeed(db, own.config);
    const frames = await gateway.feed.subscribe({ minIntervalMs: 0 });
    await publish(collector.feed, { value: 1 });
    await next(frames);
    await own.kill();
    for (let call = 0; call < 3; call++) {
      expect(await publish(collector.feed, { after: 1000, value: 2 }).catch(({ code }) => code)).toBe("unavailable");
    }
    expect(await gateway.feed.ping().catch(({ code }) => code)).toBe("unavailable");
    expect(await gateway.feed.subscribe({ minIntervalMs: 0 }).catch(({ code }) => code)).toBe("unavailable");
    await own.start();
    expect(await next(frames)).toEqual({ readings: [], missed: 1 });
    await eventually(
      () =>
        publish(collector.feed, { after: 2000, value: 3 }).then(
          () => true,
          () => false,
        ),
      {
        what: "the publisher has found Redis again",
      },
    );
    expect(await missedUntil(frames, 3)).toBeGreaterThanOrEqual(3);
  });

  test("a silent Redis costs one time limit, not one per publish", async () => {
    await using own = await startRedisServer();
    await using collector = await openFeed(0, own.config);
    await own.kill("SIGSTOP");
    expect(await publish(collector.feed, { value: 1 }).catch(({ code }) => code)).toBe("unavailable");
    const second = publish(collector.feed, { value: 2 });
    expect(await isPending(second.catch(() => {}))).toBe(false);
    expect(await second.catch(({ code }) => code)).toBe("unavailable");
    await own.kill("SIGCONT");
    await eventually(
      () =>
        publish(collector.feed, { value: 3 }).then(
          () => true,
          () => false,
        ),
      {
        what: "the publisher has found Redis again",
      },
    );
  }, 60_000);
});
