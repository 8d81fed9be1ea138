/** The Redis queue with more batches than one run of a script handles. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { MAX_CALL_ITEMS, type Queue } from "../../services/queue/port.ts";
import { openQueueConnections, type TimedQueue } from "../support/queue/redis-queue.ts";
import { haveSharedRedis, openSharedRedis } from "../support/servers/redis-server.ts";
import { batchOf, claim, claimOne, openPublisher, receiptsOf, textsOf } from "./queue/bench.ts";

setDefaultTimeout(20_000);
const have = haveSharedRedis();

describe.skipIf(!have)("Redis queue of thousands", async () => {
  if (!have) return;
  const server = await openSharedRedis();
  const connections = await openQueueConnections(server.config);
  afterAll(async () => {
    await connections[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const open = (maxDeliveries = 5) => connections.openQueue({ partitions: 1, maxBytes: 1e6, maxDeliveries });

  const texts = Array.from({ length: 2300 }, (_, n) => `t${n}`);
  async function publish(queue: Queue, all: readonly string[] = texts) {
    const publisher = await openPublisher(queue);
    for (let from = 0; from < all.length; from += MAX_CALL_ITEMS) {
      await publisher.publish(...all.slice(from, from + MAX_CALL_ITEMS));
    }
    return publisher;
  }

  /** A millisecond passes between claims: leases of different claims that end in the same one have no order. */
  async function claimAll({ queue, advance }: TimedQueue, leaseMs: number) {
    const deliveries = [];
    for (;;) {
      await advance(1);
      const more = await claim(queue, { max: MAX_CALL_ITEMS, leaseMs });
      if (more.length === 0) return deliveries;
      deliveries.push(...more);
    }
  }

  test("returns thousands of leases and delays that end at once, in their order", async () => {
    await using timed = await open();
    const { queue } = timed;
    await publish(queue);
    const [first, second, third] = [
      await claim(queue, { max: MAX_CALL_ITEMS, leaseMs: 1000 }),
      await claim(queue, { max: MAX_CALL_ITEMS, leaseMs: 3000 }),
      await claim(queue, { max: MAX_CALL_ITEMS, leaseMs: 1000 }),
    ];
    await queue.nack(receiptsOf(third), { kind: "retry", delayMs: 2000, reason: "busy" });
    await timed.advance(3000);
    const late = receiptsOf(second).slice(-1);
    expect(await queue.extend(late, 1000)).toEqual([false]);
    expect(await queue.nack(late, { kind: "release" })).toEqual([false]);
    expect(await queue.stats()).toMatchObject({ ready: 2300, leased: 0, delayed: 0, counters: { expired: 2000 } });
    const again = await claimAll(timed, 1000);
    expect(textsOf(again)).toEqual(textsOf([...first, ...third, ...second]));
    expect(new Set(again.map(({ attempt }) => attempt))).toEqual(new Set([2]));
  });

  test("makes dead letters of thousands whose last lease ends at once, and lists, redrives and deletes them", async () => {
    await using timed = await open(1);
    const { queue } = timed;
    await publish(queue);
    await claimAll(timed, 1000);
    await timed.advance(1000);
    expect(await claim(queue)).toEqual([]);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 0, dead: 2300, bytes: 0, counters: { dead: 2300 } });
    const listed = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await queue.deadLetters.list({ limit: 999, after });
      listed.push(...textsOf(page.letters));
      after = page.next;
    }
    expect(listed).toEqual(texts);
    expect(await queue.deadLetters.redrive()).toBe(2300);
    const again = await claimAll(timed, 1000);
    expect(textsOf(again)).toEqual(texts);
    await timed.advance(1000);
    expect(await queue.deadLetters.purge()).toBe(2300);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 0, dead: 0, bytes: 0, orphans: 0 });
  });

  test("keeps small and large bodies apart, also when a call begins with duplicates", async () => {
    await using timed = await open();
    const { queue } = timed;
    const { producer, epoch } = { producer: "csv", ...(await queue.openProducer("csv")) };
    for (const [call, size] of [1, 900, 1500, 20_000].entries()) {
      const bodies = Array.from({ length: 9 }, (_, n) => `${n}`.repeat(n % 2 === 0 ? size : 1));
      const batches = bodies.map((body, n) => batchOf(call * 9 + n + 1, body));
      expect(await queue.publish(batches.slice(0, 1), { producer, epoch })).toEqual({ kind: "accepted" });
      expect(await queue.publish(batches.slice(0, 4), { producer, epoch })).toEqual({ kind: "accepted" });
      expect(await queue.publish(batches, { producer, epoch })).toEqual({ kind: "accepted" });
      expect((await queue.stats()).bytes).toBe(bodies.join("").length);
      const deliveries = await claim(queue);
      expect(textsOf(deliveries)).toEqual(bodies);
      await queue.ack(receiptsOf(deliveries));
      expect((await queue.stats()).bytes).toBe(0);
    }
  });

  test("claims batches behind thousands that were acknowledged while ready", async () => {
    await using timed = await open();
    const { queue } = timed;
    const publisher = await publish(queue);
    const held = receiptsOf(await claimAll(timed, 1000));
    await timed.advance(1000);
    await publisher.publish("behind", "further behind");
    expect((await queue.stats()).ready).toBe(2302);
    for (let from = 0; from < held.length; from += MAX_CALL_ITEMS) {
      expect(await queue.ack(held.slice(from, from + MAX_CALL_ITEMS))).not.toContain(false);
    }
    expect(await queue.stats()).toMatchObject({ ready: 2, leased: 0, bytes: 20, orphans: 0 });
    const delivery = await claimOne(queue);
    expect(textsOf([delivery])).toEqual(["behind"]);
    await queue.nack([delivery.receipt], { kind: "release" });
    expect(textsOf(await claim(queue, { max: 2 }))).toEqual(["behind", "further behind"]);
    expect(await queue.stats()).toMatchObject({ ready: 0, leased: 2, orphans: 0 });
  });
});
