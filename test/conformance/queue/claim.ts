/** Conformance of claims: how much one delivers, and how it waits. */
import { expect, test } from "bun:test";
import { claim, claimOne, type OpenQueue, openPublisher, receiptsOf, textsOf } from "./bench.ts";

export function claimConformance(open: OpenQueue): void {
  test("queue.claim() delivers at most max batches, and each batch to one consumer", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c", "d", "e");
    const claims = await Promise.all([
      claim(bench.queue, { max: 2 }),
      claim(bench.queue, { max: 2 }),
      claim(bench.queue, { max: 2 }),
    ]);
    expect(claims.map((deliveries) => deliveries.length).sort()).toEqual([1, 2, 2]);
    expect(claims.flatMap(textsOf).sort()).toEqual(["a", "b", "c", "d", "e"]);
    expect(new Set(claims.flatMap(receiptsOf)).size).toBe(5);
    expect(await claim(bench.queue)).toEqual([]);
  });

  test("queue.claim() delivers at most maxBytes, and the first batch whatever its size", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("12345", "67", "89", "0");
    expect(textsOf(await claim(bench.queue, { maxBytes: 3 }))).toEqual(["12345"]);
    expect(textsOf(await claim(bench.queue, { maxBytes: 4 }))).toEqual(["67", "89"]);
    expect(textsOf(await claim(bench.queue, { maxBytes: 1 }))).toEqual(["0"]);
  });

  test("queue.claim() leaves batches beyond maxBytes at the head, in order and with no attempt used", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("12", "3456", "7");
    expect(textsOf(await claim(bench.queue, { maxBytes: 5 }))).toEqual(["12"]);
    const rest = await claim(bench.queue);
    expect(textsOf(rest)).toEqual(["3456", "7"]);
    expect(rest.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test("queue.claim() wakes when a batch is published", async () => {
    await using bench = await open();
    const waiting = claim(bench.queue, { waitMs: 30_000 });
    await (await openPublisher(bench.queue)).publish("a");
    expect(textsOf(await waiting)).toEqual(["a"]);
  });

  test("queue.claim() resolves to no deliveries when the wait is over", async () => {
    await using bench = await open();
    const waiting = claim(bench.queue, { waitMs: 200 });
    await bench.advance(200);
    expect(await waiting).toEqual([]);
    await (await openPublisher(bench.queue)).publish("a");
    expect((await bench.queue.stats()).ready).toBe(1);
  });

  test("queue.claim() wakes when the lease of another consumer ends", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    await claimOne(bench.queue, { leaseMs: 1000 });
    const waiting = claim(bench.queue, { waitMs: 30_000 });
    await bench.advance(1000);
    expect((await waiting).map(({ attempt }) => attempt)).toEqual([2]);
  });

  test("queue.claim() wakes when a delay ends", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const { receipt } = await claimOne(bench.queue);
    await bench.queue.nack([receipt], { kind: "retry", delayMs: 1500, reason: "busy" });
    const waiting = claim(bench.queue, { waitMs: 30_000 });
    await bench.advance(1500);
    expect((await waiting).map(({ attempt }) => attempt)).toEqual([2]);
  });

  test("queue.claim() wakes when another consumer releases a batch or retries it without delay", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    for (const mode of [{ kind: "release" }, { kind: "retry", delayMs: 0, reason: "busy" }] as const) {
      const { receipt } = await claimOne(bench.queue);
      const waiting = claim(bench.queue, { waitMs: 30_000 });
      await bench.queue.nack([receipt], mode);
      const deliveries = await waiting;
      expect(textsOf(deliveries)).toEqual(["a"]);
      await bench.queue.nack(receiptsOf(deliveries), { kind: "release" });
    }
  });

  test("queue.claim() wakes when a dead letter is redriven", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    await bench.queue.nack([(await claimOne(bench.queue)).receipt], { kind: "reject", reason: "damaged" });
    const waiting = claim(bench.queue, { waitMs: 30_000 });
    await bench.queue.deadLetters.redrive();
    expect(textsOf(await waiting)).toEqual(["a"]);
  });

  test("queue.claim() shares published batches among waiting claims", async () => {
    await using bench = await open();
    const waiting = [0, 1, 2].map(() => claim(bench.queue, { max: 1, waitMs: 30_000 }));
    await (await openPublisher(bench.queue)).publish("a", "b", "c");
    expect((await Promise.all(waiting)).flatMap(textsOf).sort()).toEqual(["a", "b", "c"]);
  });

  test("queue.claim() ends at once when its signal aborts, and nothing stays leased to it", async () => {
    await using bench = await open();
    const leaving = new AbortController();
    const waiting = claim(bench.queue, { waitMs: 30_000, signal: leaving.signal });
    await bench.queue.stats();
    leaving.abort();
    expect(await waiting).toEqual([]);
    await (await openPublisher(bench.queue)).publish("a");
    expect(await claim(bench.queue, { waitMs: 30_000, signal: leaving.signal })).toEqual([]);
    expect(await bench.queue.stats()).toMatchObject({ ready: 1, leased: 0 });
    expect((await claimOne(bench.queue)).attempt).toBe(1);
  });

  test("queue.claim(), once aborted, takes no batch from another waiting claim", async () => {
    await using bench = await open();
    const leaving = new AbortController();
    const aborted = claim(bench.queue, { waitMs: 30_000, signal: leaving.signal });
    const staying = claim(bench.queue, { waitMs: 30_000 });
    await bench.queue.stats();
    leaving.abort();
    await (await openPublisher(bench.queue)).publish("a");
    expect(textsOf(await staying)).toEqual(["a"]);
    expect(await aborted).toEqual([]);
  });
}
