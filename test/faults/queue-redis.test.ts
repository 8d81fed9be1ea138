/** The queue on a real Redis while things are done to it: nothing is lost, whatever comes twice. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import type { RedisConfig } from "../../services/platform/redis/config.ts";
import { openRedisQueue } from "../../services/queue/redis/open.ts";
import { batchOf, claim, openPublisher, receiptsOf, textsOf } from "../conformance/queue/bench.ts";
import { startQueueLoad } from "../support/queue/queue-load.ts";
import { openQueueConnections } from "../support/queue/redis-queue.ts";
import { haveRedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";

const open = (redis: RedisConfig, options: { partitions?: number; maxBytes?: number; maxDeliveries?: number } = {}) =>
  openRedisQueue({
    redis,
    clock: systemClock,
    log: silentLogger,
    partitions: 1,
    maxBytes: 64 * 1024 * 1024,
    maxDeliveries: 5,
    ...options,
  });

const KEY = "q:{telemetry:0}:";

describe.skipIf(!haveRedisServer())("Redis queue", () => {
  test("loses nothing when Redis is killed in the middle of a load, again and again", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue, { batches: 4000 });
    for (const share of [0.2, 0.4, 0.6]) {
      await eventually(() => load.published > share * 12_000, { what: `${share} is published` });
      await server.kill();
      await server.start();
    }
    await load.finished();
    expect((await queue.stats()).counters.gaps).toBe(0);
  }, 60_000);

  test("loses nothing when all connections are cut in the middle of a load", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue, { batches: 4000 });
    for (let share = 0.1; share < 0.8; share += 0.1) {
      await eventually(() => load.published > share * 12_000, { what: `${share} is published` });
      await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    }
    await load.finished();
  }, 60_000);

  test("does not notice that the scripts are flushed in the middle of a load", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue, { batches: 4000 });
    for (let share = 0.05; share < 0.9; share += 0.05) {
      await eventually(() => load.published > share * 12_000, { what: `${share} is published` });
      await server.command("SCRIPT", "FLUSH");
    }
    await load.finished();
    const { published, duplicates, acked, expired } = (await queue.stats()).counters;
    expect({ published, duplicates, acked, expired }).toEqual({
      published: 12_000,
      duplicates: 0,
      acked: 12_000,
      expired: 0,
    });
  }, 60_000);

  test("tells the producers when Redis comes back empty, and has everything once they went back", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue, { batches: 4000 });
    for (const part of [1, 2]) {
      await eventually(() => load.published > part * 3000, { what: `part ${part} is published` });
      await server.command("FLUSHALL");
      await eventually(() => load.gaps >= 3 * part, { what: "every producer went back" });
    }
    await load.finished();
  }, 60_000);

  test("tells the producers when a replica that was behind is promoted, and has everything in the end", async () => {
    await using master = await startRedisServer();
    await using replica = await startRedisServer({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    await using queue = await open(master.config);
    await using load = startQueueLoad(queue, { batches: 4000 });
    await eventually(() => load.published > 2000, { what: "something is published" });
    await eventually(async () => Number(await replica.command("EXISTS", `${KEY}sums`)) === 1, { what: "it has some" });
    await replica.command("REPLICAOF", "NO", "ONE");
    const behind = load.published;
    await eventually(() => load.published > behind + 2000, { what: "more than the replica knows" });
    await master.kill();
    await replica.command("CONFIG", "SET", "port", master.port);
    await load.finished();
    expect(load.gaps).toBeGreaterThan(0);
  }, 60_000);

  test("says that it is full when Redis has no memory left, drains all the same, and takes more then", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config);
    const { producer, epoch } = { producer: "csv", ...(await queue.openProducer("csv")) };
    const used = Number(/used_memory:(\d+)/.exec(String(await server.command("INFO", "memory")))?.[1]);
    await server.command("CONFIG", "SET", "maxmemory", used + 4 * 1024 * 1024);
    const body = new Uint8Array(64 * 1024).fill(7);
    const publish = (seq: number) => queue.publish([{ ...batchOf(seq, "x"), body }], { producer, epoch });
    let seq = 0;
    let outcome = await publish(seq + 1);
    while (outcome.kind === "accepted") outcome = await publish(++seq + 1);
    expect(outcome).toEqual({ kind: "full", retryAfterMs: expect.any(Number) });
    expect(seq).toBeGreaterThan(20);
    expect(await publish(seq)).toEqual({ kind: "duplicate" });
    expect(await publish(seq + 2)).toEqual({ kind: "gap", last: seq });

    const held = await claim(queue, { max: 10 });
    expect(held).toHaveLength(10);
    expect(await queue.extend(receiptsOf(held), 60_000)).not.toContain(false);
    const [first = "", second = "", third = "", ...rest] = receiptsOf(held);
    expect(await queue.nack([first], { kind: "release" })).toEqual([true]);
    expect(await queue.nack([second], { kind: "retry", delayMs: 0, reason: "busy" })).toEqual([true]);
    expect(await queue.nack([third], { kind: "reject", reason: "damaged" })).toEqual([true]);
    expect(await queue.ack(rest)).not.toContain(false);
    expect((await queue.openProducer("another")).seq).toBe(0);
    for (;;) {
      const more = await claim(queue, { max: 10 });
      if (more.length === 0) break;
      await queue.ack(receiptsOf(more));
    }
    expect(await queue.deadLetters.purge()).toBe(1);
    expect(await publish(seq + 1)).toEqual({ kind: "accepted" });
    expect(await queue.stats()).toMatchObject({
      ready: 1,
      leased: 0,
      dead: 0,
      orphans: 0,
      counters: { acked: seq - 1 },
    });
    expect((await queue.stats()).counters.rejected).toBeGreaterThan(0);
  }, 60_000);

  test("loses nothing under a load that is more than Redis has memory for", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config);
    const used = Number(/used_memory:(\d+)/.exec(String(await server.command("INFO", "memory")))?.[1]);
    await server.command("CONFIG", "SET", "maxmemory", used + 1024 * 1024);
    await using load = startQueueLoad(queue, { producers: 4, consumers: 0, batches: 4000 });
    await eventually(() => load.rejected > 20, { what: "the memory is full" });
    await using consumers = startQueueLoad(queue, { producers: 0, consumers: 2 });
    await eventually(() => load.published === 16_000, { what: "all is published" });
    await eventually(() => consumers.stored.size === 16_000, { what: "all is stored" });
    expect([...consumers.stored.values()].every((times) => times === 1)).toBe(true);
  }, 60_000);

  test("loses nothing when the clock steps: forward brings some twice, back brings what is leased later", async () => {
    await using server = await startRedisServer();
    await using connections = await openQueueConnections(server.config);
    await using timed = await connections.openQueue({ partitions: 1, maxBytes: 64 * 1024 * 1024, maxDeliveries: 10 });
    await using load = startQueueLoad(timed.queue, { batches: 4000 });
    const hour = 3_600_000;
    for (const [index, step] of [hour, -2 * hour, hour, hour, -hour].entries()) {
      await eventually(() => load.published > 2000 * (index + 1), { what: "more is published" });
      // Of a consumer that is gone.
      await claim(timed.queue, { max: 5, leaseMs: 2000 });
      await timed.advance(step);
    }
    await timed.advance(2 * hour);
    await load.finished();
    const { expired, published } = (await timed.queue.stats()).counters;
    expect(published).toBe(12_000);
    expect(expired).toBeGreaterThanOrEqual(25);
  }, 60_000);

  test("finds batches that are in no line after somebody deleted the leases, and hands them out again", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config);
    await (await openPublisher(queue)).publish("a", "b", "c", "d", "e");
    const held = await claim(queue, { max: 3 });
    const [delayed] = await claim(queue, { max: 1 });
    await queue.nack([delayed?.receipt ?? ""], { kind: "retry", delayMs: 60_000, reason: "busy" });
    await server.command("DEL", `${KEY}leases`);
    expect(await queue.stats()).toMatchObject({ ready: 1, leased: 0, delayed: 1, orphans: 3 });
    await eventually(async () => (await queue.stats()).orphans === 0, { what: "repaired" });
    expect(await queue.stats()).toMatchObject({ ready: 4, leased: 0, delayed: 1 });
    expect(await queue.extend(receiptsOf(held), 1000)).toEqual([false, false, false]);
    const again = await claim(queue);
    expect(textsOf(again)).toEqual(["e", "a", "b", "c"]);
    expect(await queue.extend(receiptsOf(held), 1000)).toEqual([false, false, false]);
    expect(await queue.ack(receiptsOf(held).slice(0, 1))).toEqual([true]);
    expect(await queue.ack(receiptsOf(again))).toEqual([true, false, true, true]);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 0, delayed: 1, bytes: 1, orphans: 0 });
  });

  test("hands out once what is listed twice, and goes on without what somebody deleted", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config);
    await (await openPublisher(queue)).publish("a", "b", "c");
    const ids = (await server.command("LRANGE", `${KEY}ready`, 0, -1)) as string[];
    await server.command("RPUSH", `${KEY}ready`, ids[0] ?? "", ids[2] ?? "");
    await server.command("HDEL", `${KEY}bodies`, ids[1] ?? "");
    const first = await claim(queue);
    expect(textsOf(first)).toEqual(["a", "c"]);
    expect(await claim(queue)).toEqual([]);
    expect(await queue.ack(receiptsOf(first))).toEqual([true, true]);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 0, orphans: 0 });
  });

  test("takes poison out between good batches, which go on in their order", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { maxDeliveries: 3 });
    const { publish } = await openPublisher(queue);
    for (let n = 0; n < 30; n++) await publish(n % 3 === 1 ? `poison ${n}` : `good ${n}`);
    const good: string[] = [];
    for (;;) {
      const deliveries = await claim(queue, { max: 7 });
      if (deliveries.length === 0) break;
      for (const [index, text] of textsOf(deliveries).entries()) {
        const receipt = receiptsOf(deliveries).slice(index, index + 1);
        if (text.startsWith("good")) good.push(...((await queue.ack(receipt))[0] ? [text] : []));
        else if (text.endsWith("1")) await queue.nack(receipt, { kind: "retry", delayMs: 0, reason: "crashed" });
        else await queue.nack(receipt, { kind: "reject", reason: "damaged" });
      }
    }
    expect(good).toEqual(
      Array.from({ length: 30 }, (_, n) => n)
        .filter((n) => n % 3 !== 1)
        .map((n) => `good ${n}`),
    );
    const { letters } = await queue.deadLetters.list({ limit: 100 });
    expect(letters.map(({ attempts, reason }) => `${reason} ${attempts}`).toSorted()).toEqual([
      "crashed 3",
      ...Array(9).fill("damaged 1"),
    ]);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 0, dead: 10, bytes: 0, orphans: 0 });
  });
});
