/** Conformance of dead letters: how a batch becomes one, and the calls of an operator. */
import { expect, test } from "bun:test";
import { DEAD_LETTER_SHARE, MAX_BATCH_BYTES, MAX_PAGE_BYTES, type Queue } from "../../../services/queue/port.ts";
import { claim, claimOne, type OpenQueue, openPublisher, receiptsOf, textsOf } from "./bench.ts";

async function reject(queue: Queue, reason = "damaged"): Promise<void> {
  await queue.nack(receiptsOf(await claim(queue)), { kind: "reject", reason });
}

export function deadLetterConformance(open: OpenQueue): void {
  test("queue.nack() with reject makes a dead letter at once, with all fields that an operator needs", async () => {
    await using bench = await open();
    const { epoch, publish } = await openPublisher(bench.queue);
    await publish("damaged", "good");
    const held = await claim(bench.queue, { max: 1 });
    await bench.advance(2500);
    const [yes] = await bench.queue.nack(receiptsOf(held), { kind: "reject", reason: "unknown version 9" });
    expect(yes).toBe(true);
    expect(textsOf(await claim(bench.queue))).toEqual(["good"]);
    const { letters, total, next } = await bench.queue.deadLetters.list({ limit: 10 });
    expect({ total, next }).toEqual({ total: 1, next: null });
    const [{ body, publishedAt, diedAt, ...letter } = { body: new Uint8Array(), publishedAt: 0, diedAt: 0 }] = letters;
    expect(textsOf([{ body }])).toEqual(["damaged"]);
    expect(diedAt - publishedAt).toBe(2500);
    expect(letter).toEqual({
      id: held[0]?.id ?? "",
      producer: "csv@0/1",
      epoch,
      seq: 1,
      readings: 7,
      bytes: 7,
      attempts: 1,
      reason: "unknown version 9",
    });
    expect(await bench.queue.stats()).toMatchObject({
      leased: 1,
      dead: 1,
      bytes: 4,
      orphans: 0,
      counters: { dead: 1 },
    });
  });

  test("queue.nack() makes a dead letter of a batch at its last attempt, not before", async () => {
    await using bench = await open({ maxDeliveries: 3 });
    await (await openPublisher(bench.queue)).publish("a");
    for (const attempt of [1, 2, 3]) {
      const delivery = await claimOne(bench.queue);
      expect(delivery.attempt).toBe(attempt);
      expect((await bench.queue.stats()).dead).toBe(0);
      await bench.queue.nack([delivery.receipt], { kind: "retry", delayMs: 1000, reason: `attempt ${attempt} failed` });
      await bench.advance(1000);
    }
    expect(await claim(bench.queue)).toEqual([]);
    const { letters } = await bench.queue.deadLetters.list({ limit: 10 });
    expect(letters.map(({ attempts, reason }) => [attempts, reason])).toEqual([[3, "attempt 3 failed"]]);
    expect(await bench.queue.stats()).toMatchObject({ ready: 0, delayed: 0, dead: 1, bytes: 0, orphans: 0 });
  });

  test("queue.claim() makes a dead letter of a batch whose last lease has ended", async () => {
    await using bench = await open({ maxDeliveries: 2 });
    await (await openPublisher(bench.queue)).publish("a");
    for (const attempt of [1, 2]) {
      expect((await claimOne(bench.queue, { leaseMs: 1000 })).attempt).toBe(attempt);
      await bench.advance(1000);
    }
    expect(await claim(bench.queue)).toEqual([]);
    const { letters } = await bench.queue.deadLetters.list({ limit: 10 });
    expect(letters.map(({ attempts }) => attempts)).toEqual([2]);
    expect(letters[0]?.reason).not.toBe("");
    expect((await bench.queue.stats()).counters).toMatchObject({ expired: 2, dead: 1 });
  });

  test("queue.ack() of a dead letter changes nothing", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const { receipt } = await claimOne(bench.queue);
    await bench.queue.nack([receipt], { kind: "reject", reason: "damaged" });
    expect(await bench.queue.ack([receipt])).toEqual([false]);
    expect((await bench.queue.stats()).dead).toBe(1);
  });

  test("deadLetters.list() pages oldest first, also while letters are deleted", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c", "d", "e");
    await reject(bench.queue);
    const first = await bench.queue.deadLetters.list({ limit: 2 });
    expect(textsOf(first.letters)).toEqual(["a", "b"]);
    expect(first.total).toBe(5);
    await bench.queue.deadLetters.purge([first.letters[1]?.id ?? ""]);
    const seen: string[] = [];
    for (let after = first.next; after !== null; ) {
      const page = await bench.queue.deadLetters.list({ limit: 2, after });
      seen.push(...textsOf(page.letters));
      after = page.next;
    }
    expect(seen).toEqual(["c", "d", "e"]);
    expect((await bench.queue.deadLetters.list({ limit: 4 })).next).toBeNull();
  });

  test("deadLetters.list() ends a page at MAX_PAGE_BYTES, and continues with the next letter", async () => {
    await using bench = await open({ maxBytes: (4 * MAX_BATCH_BYTES) / DEAD_LETTER_SHARE });
    const { producer, epoch } = { producer: "csv", ...(await bench.queue.openProducer("csv")) };
    const body = new Uint8Array(MAX_PAGE_BYTES / 2);
    for (const seq of [1, 2, 3]) {
      await bench.queue.publish([{ seq, body, readings: 1, position: "" }], { producer, epoch });
      await reject(bench.queue);
    }
    const first = await bench.queue.deadLetters.list({ limit: 3 });
    expect(first.letters.map(({ seq }) => seq)).toEqual([1, 2]);
    const second = await bench.queue.deadLetters.list({ limit: 3, after: first.next ?? "" });
    expect([second.letters.map(({ seq }) => seq), second.next]).toEqual([[3], null]);
  });

  test("deadLetters.redrive() returns the named letters to the tail with all attempts left", async () => {
    await using bench = await open({ maxDeliveries: 2 });
    const publisher = await openPublisher(bench.queue);
    await publisher.publish("a", "b", "c");
    const old = receiptsOf(await claim(bench.queue, { leaseMs: 1000 }));
    await bench.queue.nack(old, { kind: "reject", reason: "damaged" });
    await publisher.publish("d");
    const { letters } = await bench.queue.deadLetters.list({ limit: 10 });
    const ids = letters.map(({ id }) => id);
    expect(await bench.queue.deadLetters.redrive([ids[2] ?? "", "unknown", ids[0] ?? "", ids[0] ?? ""])).toBe(2);
    expect(await bench.queue.stats()).toMatchObject({ ready: 3, dead: 1, bytes: 3, orphans: 0 });
    expect(await bench.queue.nack(old, { kind: "release" })).toEqual([false, false, false]);

    const again = await claim(bench.queue, { leaseMs: 1000 });
    expect(textsOf(again)).toEqual(["d", "a", "c"]);
    expect(again.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
    await bench.advance(1000);
    expect((await bench.queue.stats()).dead).toBe(1);
    expect(await bench.queue.deadLetters.redrive([])).toBe(0);
    expect(await bench.queue.deadLetters.redrive()).toBe(1);
    expect((await bench.queue.stats()).counters).toMatchObject({ redriven: 3, dead: 3 });
  });

  test("deadLetters.redrive() returns as many letters as there is room for, oldest first", async () => {
    await using bench = await open({ maxBytes: 16 });
    const publisher = await openPublisher(bench.queue);
    await publisher.publish("ab");
    await reject(bench.queue);
    await publisher.publish("cd");
    await reject(bench.queue);
    await publisher.publish("12345678901234");
    expect(await bench.queue.deadLetters.redrive()).toBe(1);
    expect(await bench.queue.stats()).toMatchObject({ bytes: 16, dead: 1 });
    expect(textsOf(await claim(bench.queue))).toEqual(["12345678901234", "ab"]);
  });

  test("deadLetters are bounded by DEAD_LETTER_SHARE: the oldest are deleted, the newest stays", async () => {
    await using bench = await open({ maxBytes: 4 / DEAD_LETTER_SHARE });
    await (await openPublisher(bench.queue)).publish("12", "34", "56", "1234567");
    const [a = "", b = "", c = "", large = ""] = receiptsOf(await claim(bench.queue));
    await bench.queue.nack([a, b, c], { kind: "reject", reason: "damaged" });
    const list = async () => textsOf((await bench.queue.deadLetters.list({ limit: 10 })).letters);
    expect(await list()).toEqual(["34", "56"]);
    await bench.queue.nack([large], { kind: "reject", reason: "damaged" });
    expect(await list()).toEqual(["1234567"]);
    expect(await bench.queue.stats()).toMatchObject({ dead: 1, orphans: 0, counters: { dead: 4, purged: 3 } });
  });

  test("deadLetters.purge() deletes the named letters, or all", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a", "b", "c");
    await reject(bench.queue);
    const { letters } = await bench.queue.deadLetters.list({ limit: 10 });
    expect(await bench.queue.deadLetters.purge([letters[1]?.id ?? "", "unknown"])).toBe(1);
    expect(textsOf((await bench.queue.deadLetters.list({ limit: 10 })).letters)).toEqual(["a", "c"]);
    expect(await bench.queue.deadLetters.purge()).toBe(2);
    expect(await bench.queue.deadLetters.redrive()).toBe(0);
    expect(await bench.queue.stats()).toMatchObject({ ready: 0, dead: 0, counters: { purged: 3, redriven: 0 } });
  });
}
