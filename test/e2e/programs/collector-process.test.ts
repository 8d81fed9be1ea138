/**
 * The collector as a process: it claims over the HTTP API from a queue in the process of the test, stores into a SQLite
 * file and publishes to Redis.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { encodeBatch } from "../../../schema/batch/codec.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import { openRedisLiveFeed } from "../../../services/live-feed/redis/feed.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { OutgoingBatch, Queue } from "../../../services/queue/port.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { batchOfReadings, uuidOf } from "../../support/collector/batches.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { addressOf, onRuntime, type Program, startProgram } from "../../support/programs/process.ts";
import { openQueueServer } from "../../support/queue/queue-server.ts";
import { type FaultProxy, openFaultProxy } from "../../support/servers/fault-proxy.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../../support/servers/redis-server.ts";
import { eventually } from "../../support/time/eventually.ts";

const PRODUCER = "csv@0/1";

/** A batch with one reading of each of 100 GPUs. Time and value follow from `seq`. */
function tick(seq: number): OutgoingBatch {
  const readings = Array.from({ length: 100 }, (_, index) => ({ gpu: index + 1, after: seq * 1000, value: seq }));
  return { seq, body: encodeBatch(batchOfReadings(readings, { seq })), readings: 100, position: `after ${seq}` };
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe.skipIf(!haveRedisServer())("collector as a process", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  async function openBench() {
    await using opened = new AsyncDisposableStack();
    const folder = opened.use(await temporaryFolder());
    const queue: Queue = opened.use(
      openMemoryQueue({ clock: systemClock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 }),
    );
    const server = opened.use(await openQueueServer(queue, { token: "secret" }));
    const proxied = async (port: number): Promise<FaultProxy> =>
      opened.use(await openFaultProxy({ host: "127.0.0.1", port }));
    const links = { queue: await proxied(Number(new URL(server.url).port)), redis: await proxied(redis.port) };
    const { epoch } = await queue.openProducer(PRODUCER);
    const path = join(folder.path, "telemetry.sqlite");
    const all = opened.move();
    return {
      queue,
      server,
      links,
      publish: async (batches: readonly OutgoingBatch[]) => {
        for (let start = 0; start < batches.length; start += 500) {
          await queue.publish(batches.slice(start, start + 500), { producer: PRODUCER, epoch });
        }
      },
      start: (env: Record<string, string> = {}): Program =>
        startProgram(onRuntime("bun", "services/collector/main.ts"), {
          QUEUE_SERVICE_URL: `http://${links.queue.address}`,
          INTERNAL_TOKEN: "secret",
          REDIS_ADDR: links.redis.address,
          SQLITE_PATH: path,
          PORT: "0",
          ...env,
        }),
      /** Stored values of one GPU, oldest first. */
      stored: async (gpu: number): Promise<number[]> => {
        const parts = { clock: systemClock, log: silentLogger };
        await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
        const { readings } = await repository.readings(uuidOf(gpu), ALL_TIME, { limit: 10_000, order: "oldest" });
        return readings.map(({ value }) => value);
      },
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  }

  const acked = async (queue: Queue): Promise<number> => (await queue.stats()).counters.acked;
  const readiness = async (program: Program) => {
    const response = await fetch(`${await addressOf(program)}/readyz`);
    const { dependencies = {} } = (await response.json()) as { dependencies?: Record<string, string> };
    return { status: response.status, dependencies };
  };

  test("stores, publishes to the live feed and acknowledges what it claims", async () => {
    await using bench = await openBench();
    await using feed = await openRedisLiveFeed({ redis: redis.config, clock: systemClock, log: silentLogger });
    const frames = await feed.subscribe({ filter: { gpus: [uuidOf(7)] }, minIntervalMs: 0 });
    await using program = bench.start();
    await bench.publish(upTo(30).map(tick));
    let newest = 0;
    while (newest < 30) {
      const { value } = await frames.next();
      newest = value.readings[0].value;
    }
    await eventually(async () => (await acked(bench.queue)) === 30, { what: "every acknowledgement" });
    expect(await bench.stored(7)).toEqual(upTo(30));
    expect(await readiness(program)).toEqual({ status: 200, dependencies: {} });
    const text = await (await fetch(`${await addressOf(program)}/metrics`)).text();
    expect(text).toContain("gpu_telemetry_collector_readings_total 3000\n");
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  });

  test("releases all its leases when it is stopped under load", async () => {
    await using bench = await openBench();
    // The declared size makes the collector store a group in parts, so that a stop comes between two of them.
    const batches = upTo(2000).map((seq) => ({ ...tick(seq), readings: 65_536 }));
    await bench.publish(batches);
    const lease = { QUEUE_LEASE: "60s" };
    for (let stop = 1; stop <= 3; stop++) {
      await using program = bench.start(lease);
      await eventually(async () => (await acked(bench.queue)) >= stop * 350, { what: "the first batches" });
      program.kill("SIGTERM");
      expect(await program.exited).toBe(0);
      const { leased, delayed, ready } = await bench.queue.stats();
      expect({ leased, delayed }).toEqual({ leased: 0, delayed: 0 });
      expect(ready).toBeGreaterThan(0);
    }
    await using _last = bench.start(lease);
    await eventually(async () => (await acked(bench.queue)) === batches.length, {
      what: "the rest, stored by the last collector",
      deadlineMs: 150_000,
    });
    const { counters } = await bench.queue.stats();
    expect(counters).toMatchObject({ expired: 0, nacked: 0, dead: 0 });
    expect(counters.released).toBeGreaterThan(0);
    for (const gpu of [1, 50, 100]) expect(await bench.stored(gpu)).toEqual(upTo(2000));
  }, 180_000);

  test("stores and acknowledges while Redis is down, and reports it in /readyz", async () => {
    await using bench = await openBench();
    const refused = await bench.links.redis.refuse();
    await using program = bench.start();
    await bench.publish(upTo(50).map(tick));
    await eventually(async () => (await acked(bench.queue)) === 50, { what: "every acknowledgement" });
    const { status, dependencies } = await readiness(program);
    expect({ status, names: Object.keys(dependencies) }).toEqual({ status: 503, names: ["live feed"] });
    await refused[Symbol.asyncDispose]();
    await eventually(async () => (await readiness(program)).status === 200, { what: "/readyz to answer 200" });
  }, 60_000);

  test("is not ready while the queue is unavailable, and recovers", async () => {
    await using bench = await openBench();
    await using program = bench.start();
    await bench.publish([tick(1)]);
    await eventually(async () => (await acked(bench.queue)) === 1, { what: "the first batch" });
    {
      await using _refused = await bench.links.queue.refuse();
      bench.links.queue.cutAll();
      await eventually(async () => (await bench.server.waiting()) === 0, { what: "the end of its claim" });
      await bench.publish(upTo(5).slice(1).map(tick));
      await eventually(async () => (await readiness(program)).status === 503, { what: "/readyz to answer 503" });
      expect((await readiness(program)).dependencies.collector).toContain("queue is unavailable");
    }
    await eventually(async () => (await acked(bench.queue)) === 5, { what: "every acknowledgement" });
    expect(await readiness(program)).toEqual({ status: 200, dependencies: {} });
  }, 60_000);
});
