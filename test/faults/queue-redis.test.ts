/** The queue on a real Redis under faults: no confirmed batch is lost; some are delivered twice. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import type { RedisConfig } from "../../services/platform/redis/config.ts";
import { openRedisQueue } from "../../services/queue/redis/open.ts";
import { batchOf, claim, openPublisher, receiptsOf, textsOf } from "../conformance/queue/bench.ts";
import { startQueueLoad } from "../support/queue/queue-load.ts";
import { openQueueConnections } from "../support/queue/redis-queue.ts";
import { haveRedisServer, type RedisServer, startRedisServer } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";

/** On a busy machine a consumer may lose its lease many times; a load makes no dead letter of that. */
const MANY = 1000;

const open = (redis: RedisConfig, { partitions = 1, maxDeliveries = MANY } = {}) =>
  openRedisQueue({
    redis,
    clock: systemClock,
    log: silentLogger,
    partitions,
    maxBytes: 64 * 1024 * 1024,
    maxDeliveries,
  });

const KEY = "q:{telemetry:0}:";

/** Batches that were ever accepted, as this server knows it. */
const publishedAt = async (server: RedisServer): Promise<number> =>
  Number(await server.command("HGET", `${KEY}sums`, "published"));

const usedMemory = async (server: RedisServer): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(String(await server.command("INFO", "memory")))?.[1]);

describe.skipIf(!haveRedisServer())("Redis queue", () => {
  test("loses nothing when Redis is killed and restarted during a load", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue);
    for (let kills = 0; kills < 3; kills++) {
      await load.more(2000);
      await server.kill();
      await server.start();
    }
    await load.more(2000);
    await load.finish();
    expect((await queue.stats()).counters.gaps).toBe(0);
  }, 60_000);

  test("loses nothing when all connections are cut during a load", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue);
    for (let cuts = 0; cuts < 7; cuts++) {
      await load.more(1000);
      await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    }
    await load.more(1000);
    await load.finish();
  }, 60_000);

  test("sends a script again when SCRIPT FLUSH has removed it", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue, { leaseMs: 60_000 });
    for (let flushes = 0; flushes < 17; flushes++) {
      await load.more(500);
      await server.command("SCRIPT", "FLUSH");
    }
    await load.more(500);
    await load.finish();
    const { published, duplicates, acked, expired } = (await queue.stats()).counters;
    const { size } = load.stored;
    expect({ published, duplicates, acked, expired }).toEqual({
      published: size,
      duplicates: 0,
      acked: size,
      expired: 0,
    });
  }, 60_000);

  test("answers gap after Redis has lost everything, and has every batch once the producers have resumed", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config, { partitions: 2 });
    await using load = startQueueLoad(queue);
    for (const flushes of [1, 2]) {
      await load.more(3000);
      await server.command("FLUSHALL");
      await eventually(() => load.gaps >= 3 * flushes, { what: "every producer is answered gap" });
    }
    await load.finish();
  }, 60_000);

  test("answers gap after a replica that was behind is promoted, and has every batch in the end", async () => {
    await using master = await startRedisServer();
    await using replica = await startRedisServer({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    await using queue = await open(master.config);
    await using load = startQueueLoad(queue);
    await eventually(async () => (await publishedAt(replica)) > 2000, { what: "the replica follows" });
    // From here on the replica learns nothing more.
    await replica.command("REPLICAOF", "NO", "ONE");
    const known = await publishedAt(replica);
    await eventually(async () => (await publishedAt(master)) > known + 2000, { what: "the replica is behind" });
    await master.kill();
    expect(await publishedAt(replica)).toBe(known);
    await replica.command("CONFIG", "SET", "port", master.port);
    await load.finish();
    expect(load.gaps).toBeGreaterThan(0);
  }, 60_000);

  test("answers full when Redis has no memory left, still drains, and then accepts more", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config);
    const { producer, epoch } = { producer: "csv", ...(await queue.openProducer("csv")) };
    await server.command("CONFIG", "SET", "maxmemory", (await usedMemory(server)) + 4 * 1024 * 1024);
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

  test("loses nothing under a load that Redis has no memory for", async () => {
    await using server = await startRedisServer();
    await using queue = await open(server.config);
    await server.command("CONFIG", "SET", "maxmemory", (await usedMemory(server)) + 1024 * 1024);
    await using load = startQueueLoad(queue, { producers: 4, consumers: 0, leaseMs: 60_000 });
    await eventually(() => load.rejected > 20, { what: "the memory is full" });
    load.addConsumers(2);
    await load.more(10_000);
    await load.finish();
    expect([...load.stored.values()].every((times) => times === 1)).toBe(true);
  }, 60_000);

  test("loses nothing when the clock steps: forward redelivers some, back redelivers later", async () => {
    await using server = await startRedisServer();
    await using connections = await openQueueConnections(server.config);
    await using timed = await connections.openQueue({ partitions: 1, maxBytes: 64 * 1024 * 1024, maxDeliveries: MANY });
    await using load = startQueueLoad(timed.queue);
    const hour = 3_600_000;
    for (const step of [hour, -2 * hour, hour, hour, -hour]) {
      await load.more(2000);
      // Five leases of a consumer that never answers.
      for (let leased = 0; leased < 5; ) {
        leased += (await claim(timed.queue, { max: 5 - leased, leaseMs: 2000, waitMs: 1000 })).length;
      }
      await timed.advance(step);
    }
    await load.more(1);
    await timed.advance(2 * hour);
    await load.finish();
    const { expired, published } = (await timed.queue.stats()).counters;
    expect(published).toBe(load.stored.size);
    expect(expired).toBeGreaterThanOrEqual(25);
  }, 60_000);

  test("repairs orphans: batches whose leases were deleted are delivered again", async () => {
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

  test("delivers an id that is listed twice once, and skips an id whose body was deleted", async () => {
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

  test("removes poison batches and delivers the good ones in order", async () => {
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
