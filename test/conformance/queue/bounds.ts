/** Conformance: figures that add up, and arguments that are refused before anything changes. */
import { expect, test } from "bun:test";
import {
  type ClaimRequest,
  MAX_BATCH_BYTES,
  MAX_CALL_ITEMS,
  MAX_DELAY_MS,
  MAX_LEASE_MS,
  MAX_POSITION_LENGTH,
  MAX_PRODUCER_LENGTH,
  MAX_REASON_LENGTH,
  MAX_WAIT_MS,
  type OutgoingBatch,
  QUEUE_COUNTERS,
} from "../../../services/queue/port.ts";
import { batchOf, claim, claimOne, codeOf, type OpenQueue, openPublisher, receiptsOf } from "./bench.ts";

export function boundsConformance(open: OpenQueue): void {
  test("queue.stats() starts at zero and counts each batch in exactly one place", async () => {
    await using bench = await open();
    const zero = Object.fromEntries(QUEUE_COUNTERS.map((name) => [name, 0]));
    const empty = { ready: 0, leased: 0, delayed: 0, dead: 0, bytes: 0, oldestAgeMs: 0, orphans: 0, counters: zero };
    expect(await bench.queue.stats()).toEqual({ ...empty, counters: expect.objectContaining(zero) });

    await (await openPublisher(bench.queue)).publish("aa", "bbb", "c", "dddd", "ee");
    const [a = "", b = "", c = "", d = ""] = receiptsOf(await claim(bench.queue, { max: 4 }));
    await bench.queue.ack([a]);
    await bench.queue.nack([b], { kind: "retry", delayMs: 60_000, reason: "busy" });
    await bench.queue.nack([c], { kind: "reject", reason: "damaged" });
    await bench.queue.extend([d], 120_000);
    await bench.advance(1234);
    const stats = await bench.queue.stats();
    expect(stats).toMatchObject({ ready: 1, leased: 1, delayed: 1, dead: 1, bytes: 9, oldestAgeMs: 1234, orphans: 0 });
    expect(stats.counters).toMatchObject({ published: 5, readings: 12, claimed: 4, acked: 1, nacked: 2, dead: 1 });
  });

  const refused: readonly [what: string, request: Partial<ClaimRequest>][] = [
    ["max 0", { max: 0 }],
    ["max above its bound", { max: MAX_CALL_ITEMS + 1 }],
    ["a fractional max", { max: 1.5 }],
    ["maxBytes 0", { maxBytes: 0 }],
    ["leaseMs 0", { leaseMs: 0 }],
    ["leaseMs NaN", { leaseMs: Number.NaN }],
    ["leaseMs above its bound", { leaseMs: MAX_LEASE_MS + 1 }],
    ["a negative waitMs", { waitMs: -1 }],
    ["waitMs above its bound", { waitMs: MAX_WAIT_MS + 1 }],
  ];
  for (const [what, request] of refused) {
    test(`queue.claim() refuses ${what}`, async () => {
      await using bench = await open();
      await (await openPublisher(bench.queue)).publish("a");
      expect(await codeOf(claim(bench.queue, request))).toBe("invalid");
      expect((await bench.queue.stats()).ready).toBe(1);
    });
  }

  const batch = batchOf(1, "a");
  const unfit: readonly [what: string, batches: readonly OutgoingBatch[]][] = [
    ["no batch", []],
    ["too many batches", Array.from({ length: MAX_CALL_ITEMS + 1 }, (_, index) => batchOf(index + 1, "a"))],
    ["a body that is too large", [{ ...batch, body: new Uint8Array(MAX_BATCH_BYTES + 1) }]],
    ["a position that is too long", [{ ...batch, position: "x".repeat(MAX_POSITION_LENGTH + 1) }]],
    ["a seq that is left out", [batch, batchOf(3, "c")]],
    ["seqs that descend", [batchOf(2, "b"), batch]],
    ["seq 0", [batchOf(0, "a")]],
    ["a negative count of readings", [{ ...batch, readings: -1 }]],
  ];
  for (const [what, batches] of unfit) {
    test(`queue.publish() refuses ${what}`, async () => {
      await using bench = await open({ maxBytes: 3 * MAX_BATCH_BYTES });
      const { producer, epoch, publish } = await openPublisher(bench.queue);
      expect(await codeOf(bench.queue.publish(batches, { producer, epoch }))).toBe("invalid");
      expect(await bench.queue.stats()).toMatchObject({ ready: 0, bytes: 0, counters: { published: 0, gaps: 0 } });
      expect(await publish("a")).toEqual({ kind: "accepted" });
    });
  }

  test("queue.publish(), claim() and ack() accept MAX_CALL_ITEMS in one call", async () => {
    await using bench = await open();
    const texts = Array.from({ length: MAX_CALL_ITEMS }, (_, index) => String(index));
    expect(await (await openPublisher(bench.queue)).publish(...texts)).toEqual({ kind: "accepted" });
    const deliveries = await claim(bench.queue, { max: MAX_CALL_ITEMS });
    expect(deliveries.map(({ seq }) => seq)).toEqual(texts.map((_, index) => index + 1));
    expect((await bench.queue.extend(receiptsOf(deliveries), 60_000)).every(Boolean)).toBe(true);
    expect((await bench.queue.ack(receiptsOf(deliveries))).every(Boolean)).toBe(true);
    expect(await bench.queue.stats()).toMatchObject({ ready: 0, leased: 0, bytes: 0, orphans: 0 });
  });

  test("queue.openProducer() refuses an empty name and one that is too long, in `inherit` too", async () => {
    await using bench = await open();
    for (const name of ["", "x".repeat(MAX_PRODUCER_LENGTH + 1)]) {
      expect(await codeOf(bench.queue.openProducer(name))).toBe("invalid");
      expect(await codeOf(bench.queue.openProducer("csv", { inherit: [name] }))).toBe("invalid");
    }
    expect((await bench.queue.openProducer("x".repeat(MAX_PRODUCER_LENGTH))).seq).toBe(0);
  });

  test("queue.ack(), nack(), extend() and deadLetters refuse arguments out of bounds", async () => {
    await using bench = await open();
    const { queue } = bench;
    await (await openPublisher(queue)).publish("a");
    const { receipt } = await claimOne(queue);
    const many = Array.from({ length: MAX_CALL_ITEMS + 1 }, () => receipt);
    const retry = (delayMs: number) => queue.nack([receipt], { kind: "retry", delayMs, reason: "busy" });
    const calls = [
      () => queue.ack(many),
      () => queue.nack(many, { kind: "release" }),
      () => queue.extend(many, 1000),
      () => queue.extend([receipt], 0),
      () => queue.extend([receipt], MAX_LEASE_MS + 1),
      () => retry(-1),
      () => retry(MAX_DELAY_MS + 1),
      () => queue.deadLetters.list({ limit: 0 }),
      () => queue.deadLetters.list({ limit: MAX_CALL_ITEMS + 1 }),
      () => queue.deadLetters.list({ limit: 10, after: "not a cursor" }),
      () => queue.deadLetters.redrive(many),
      () => queue.deadLetters.purge(many),
    ];
    const codes = [];
    for (const call of calls) codes.push(await codeOf(call()));
    expect(codes).toEqual(calls.map(() => "invalid"));
    expect(await queue.stats()).toMatchObject({ leased: 1, dead: 0 });
  });

  test("queue.nack() cuts a reason that is too long", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue)).publish("a");
    const reason = "é".repeat(MAX_REASON_LENGTH + 50);
    await bench.queue.nack([(await claimOne(bench.queue)).receipt], { kind: "reject", reason });
    const { letters } = await bench.queue.deadLetters.list({ limit: 1 });
    expect(letters[0]?.reason).toBe("é".repeat(MAX_REASON_LENGTH));
  });
}
