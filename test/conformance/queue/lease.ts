/** Conformance of leases: ack, nack and extend, and leases that end. */
import { expect, test } from "bun:test";
import { claim, claimOne, type OpenQueue, openPublisher, receiptsOf, textsOf } from "./bench.ts";

export function leaseConformance(open: OpenQueue): void {
  test("queue.ack() removes a batch once, and answers per receipt", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c");
    const [a = "", b = "", c = ""] = receiptsOf(await claim(bench.queue));
    expect(await bench.queue.ack([a, "no receipt", b, a])).toEqual([true, false, true, false]);
    expect(await bench.queue.ack([a])).toEqual([false]);
    expect(await bench.queue.ack([])).toEqual([]);
    expect(await bench.queue.stats()).toMatchObject({ ready: 0, leased: 1, bytes: 1, orphans: 0 });
    expect(await bench.queue.ack([c])).toEqual([true]);
    expect(await bench.queue.stats()).toMatchObject({ leased: 0, bytes: 0, counters: { acked: 3, claimed: 3 } });
    await bench.advance(60_000);
    expect(await claim(bench.queue)).toEqual([]);
  });

  test("queue.claim() returns an expired lease to the next consumer, at the tail, with one attempt used", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c");
    const first = await claimOne(bench.queue, { leaseMs: 1000 });
    await bench.advance(999);
    expect((await bench.queue.stats()).leased).toBe(1);
    await bench.advance(1);
    const again = await claim(bench.queue);
    expect(textsOf(again)).toEqual(["b", "c", "a"]);
    expect(again.map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
    expect(again[2]?.id).toBe(first.id);
    expect(again[2]?.receipt).not.toBe(first.receipt);
    expect((await bench.queue.stats()).counters).toMatchObject({ expired: 1, claimed: 4 });
  });

  test("queue.claim() returns leases that expire together in the order of their delivery", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c", "d");
    await claim(bench.queue, { leaseMs: 1000 });
    await bench.advance(1000);
    expect(textsOf(await claim(bench.queue))).toEqual(["a", "b", "c", "d"]);
  });

  test("queue.ack() is accepted after the lease has ended, while the batch is ready", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const { receipt } = await claimOne(bench.queue, { leaseMs: 1000 });
    await bench.advance(2000);
    expect(await bench.queue.ack([receipt])).toEqual([true]);
    expect(await claim(bench.queue)).toEqual([]);
    expect(await bench.queue.stats()).toMatchObject({ ready: 0, leased: 0, bytes: 0, orphans: 0 });
  });

  test("queue.ack() is accepted while the batch is leased to another consumer, whose ack then removes nothing", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const slow = await claimOne(bench.queue, { leaseMs: 1000 });
    await bench.advance(1000);
    const other = await claimOne(bench.queue);
    expect(await bench.queue.ack([slow.receipt])).toEqual([true]);
    expect(await bench.queue.extend([other.receipt], 1000)).toEqual([false]);
    expect(await bench.queue.ack([other.receipt])).toEqual([false]);
    await bench.advance(60_000);
    expect(await claim(bench.queue)).toEqual([]);
    expect(await bench.queue.stats()).toMatchObject({ leased: 0, bytes: 0, orphans: 0, counters: { acked: 1 } });
  });

  test("queue.ack() is accepted while the batch is delayed", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const slow = await claimOne(bench.queue, { leaseMs: 1000 });
    await bench.advance(1000);
    const other = await claimOne(bench.queue);
    await bench.queue.nack([other.receipt], { kind: "retry", delayMs: 5000, reason: "busy" });
    expect(await bench.queue.ack([slow.receipt])).toEqual([true]);
    await bench.advance(5000);
    expect(await claim(bench.queue)).toEqual([]);
    expect(await bench.queue.stats()).toMatchObject({ delayed: 0, bytes: 0, orphans: 0 });
  });

  test("queue.extend() keeps a lease from ending; a shorter lease ends sooner", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const { receipt } = await claimOne(bench.queue, { leaseMs: 1000 });
    for (let third = 0; third < 9; third++) {
      await bench.advance(334);
      expect(await bench.queue.extend([receipt, "unknown"], 1000)).toEqual([true, false]);
      expect(await claim(bench.queue)).toEqual([]);
    }
    expect(await bench.queue.extend([receipt], 10)).toEqual([true]);
    await bench.advance(10);
    expect((await claimOne(bench.queue)).attempt).toBe(2);
  });

  test("queue.extend() and queue.nack() refuse a receipt whose lease has ended, before and after the next claim", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const { receipt } = await claimOne(bench.queue, { leaseMs: 1000 });
    await bench.advance(1000);
    const modes = [
      { kind: "retry", delayMs: 0, reason: "late" },
      { kind: "reject", reason: "late" },
      { kind: "release" },
    ] as const;
    const refused = async () => {
      expect(await bench.queue.extend([receipt], 1000)).toEqual([false]);
      for (const mode of modes) expect(await bench.queue.nack([receipt, "unknown"], mode)).toEqual([false, false]);
    };
    await refused();
    expect(await bench.queue.stats()).toMatchObject({ ready: 1, dead: 0 });
    const other = await claimOne(bench.queue, { leaseMs: 1000 });
    expect(other.attempt).toBe(2);
    await refused();
    await bench.advance(999);
    expect(await bench.queue.extend([other.receipt], 1000)).toEqual([true]);
    expect(await bench.queue.stats()).toMatchObject({ leased: 1, counters: { nacked: 0, released: 0 } });
  });

  test("queue.nack() with retry returns the batch to the tail with one attempt used", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c");
    const { receipt } = await claimOne(bench.queue);
    expect(await bench.queue.nack([receipt, receipt], { kind: "retry", delayMs: 0, reason: "busy" })).toEqual([
      true,
      false,
    ]);
    const deliveries = await claim(bench.queue);
    expect(textsOf(deliveries)).toEqual(["b", "c", "a"]);
    expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
    expect((await bench.queue.stats()).counters).toMatchObject({ nacked: 1, released: 0, expired: 0 });
  });

  test("queue.nack() with retry returns the batch after its delay, and delays end in the order of their ends", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b");
    const [a = "", b = ""] = receiptsOf(await claim(bench.queue, { leaseMs: 1000 }));
    await bench.queue.nack([a], { kind: "retry", delayMs: 5000, reason: "busy" });
    await bench.queue.nack([b], { kind: "retry", delayMs: 3000, reason: "busy" });
    expect(await bench.queue.stats()).toMatchObject({ ready: 0, leased: 0, delayed: 2, bytes: 2, orphans: 0 });
    await bench.advance(2999);
    expect(await claim(bench.queue)).toEqual([]);
    await bench.advance(1);
    expect((await bench.queue.stats()).delayed).toBe(1);
    await bench.advance(2000);
    expect(textsOf(await claim(bench.queue))).toEqual(["b", "a"]);
  });

  test("queue.nack() with release returns batches to the head, in the call's order, with no attempt used", async () => {
    await using bench = await open({ maxDeliveries: 2 });
    await (await openPublisher(bench.queue)).publish("a", "b", "c", "d");
    for (let outage = 0; outage < 5; outage++) {
      const held = await claim(bench.queue, { max: 3 });
      expect(textsOf(held)).toEqual(["a", "b", "c"]);
      expect(held.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
      expect(await bench.queue.nack(receiptsOf(held), { kind: "release" })).toEqual([true, true, true]);
    }
    expect(textsOf(await claim(bench.queue))).toEqual(["a", "b", "c", "d"]);
    expect((await bench.queue.stats()).counters).toMatchObject({ released: 15, nacked: 0, dead: 0, claimed: 19 });
  });

  test("queue.nack() with a delayed release returns the batch to the tail after it, with no attempt used", async () => {
    await using bench = await open({ maxDeliveries: 2 });
    await (await openPublisher(bench.queue)).publish("a", "b");
    for (let outage = 0; outage < 3; outage++) {
      const { receipt } = await claimOne(bench.queue);
      expect(await bench.queue.nack([receipt], { kind: "release", delayMs: 5000 })).toEqual([true]);
      expect(await bench.queue.stats()).toMatchObject({ ready: 1, leased: 0, delayed: 1, dead: 0 });
      await bench.advance(5000);
    }
    const deliveries = await claim(bench.queue);
    expect(textsOf(deliveries)).toEqual(["b", "a"]);
    expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect((await bench.queue.stats()).counters).toMatchObject({ released: 3, nacked: 0, dead: 0 });
  });

  test("queue.nack() with release keeps the attempts used before", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    await bench.queue.nack([(await claimOne(bench.queue)).receipt], { kind: "retry", delayMs: 0, reason: "busy" });
    await bench.queue.nack([(await claimOne(bench.queue)).receipt], { kind: "release" });
    expect((await claimOne(bench.queue)).attempt).toBe(2);
  });
}
