/** Conformance of publishing: order, lives, duplicates, gaps, room. */
import { expect, test } from "bun:test";
import { MAX_BATCH_BYTES } from "../../../services/queue/port.ts";
import { untilAvailable } from "../../support/time/until-available.ts";
import {
  batchOf,
  claim,
  claimOne,
  codeOf,
  type OpenQueue,
  openPublisher,
  receiptsOf,
  textOf,
  textsOf,
} from "./bench.ts";

export function publishConformance(open: OpenQueue): void {
  test("queue.publish() keeps the order of a producer's batches, within a call and between calls", async () => {
    await using bench = await open();
    const publisher = await openPublisher(bench.queue);
    expect(await publisher.publish("a", "b")).toEqual({ kind: "accepted" });
    expect(await publisher.publish("c")).toEqual({ kind: "accepted" });
    const deliveries = await claim(bench.queue);
    expect(textsOf(deliveries)).toEqual(["a", "b", "c"]);
    expect(deliveries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("queue.claim() returns every field that was published with a batch", async () => {
    await using bench = await open();
    const publisher = await openPublisher(bench.queue, "exports/*.csv@1/2");
    await publisher.publish("abc");
    const { id, receipt, body, ...rest } = await claimOne(bench.queue, { leaseMs: 7000 });
    expect(id).not.toBe("");
    expect(receipt).not.toBe("");
    expect(body.byteLength).toBe(3);
    expect(rest).toEqual({
      attempt: 1,
      readings: 3,
      producer: "exports/*.csv@1/2",
      epoch: publisher.epoch,
      seq: 1,
      position: "after abc",
      leaseMs: 7000,
    });
  });

  test("queue.publish() carries any bytes, and empty bodies", async () => {
    await using bench = await open();
    const { producer, epoch } = await openPublisher(bench.queue);
    const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
    const bodies = [all, new Uint8Array(0), Uint8Array.of(0, 10, 13, 255, 0xc3, 0x28), all.subarray(100, 300)];
    const batches = bodies.map((body, index) => ({ seq: index + 1, body, readings: 0, position: "ä\n\0" }));
    expect(await bench.queue.publish(batches, { producer, epoch })).toEqual({ kind: "accepted" });
    const deliveries = await claim(bench.queue);
    expect(deliveries.map(({ body }) => [...body])).toEqual(bodies.map((body) => [...body]));
    expect(deliveries[0]?.position).toBe("ä\n\0");
  });

  test("queue.openProducer() begins a new life after the last accepted batch, and fences the older life", async () => {
    await using bench = await open();
    const first = await openPublisher(bench.queue);
    expect(first).toMatchObject({ seq: 0, position: null, inherited: [] });
    await first.publish("a", "b");
    const second = await openPublisher(bench.queue);
    expect(second).toMatchObject({ seq: 2, position: "after b", inherited: [] });
    expect(second.epoch).toBeGreaterThan(first.epoch);

    expect(await first.publish("late")).toEqual({ kind: "fenced" });
    expect(await bench.queue.publish([batchOf(1, "a")], first)).toEqual({ kind: "fenced" });
    expect(await second.publish("c")).toEqual({ kind: "accepted" });
    expect(textsOf(await claim(bench.queue))).toEqual(["a", "b", "c"]);
    expect((await bench.queue.stats()).counters).toMatchObject({ fenced: 2, published: 3, readings: 3 });
  });

  test("queue.openProducer() gives each concurrent call a life of its own", async () => {
    await using bench = await open();
    const opened = await Promise.all(Array.from({ length: 8 }, () => bench.queue.openProducer("csv@0/1")));
    expect(new Set(opened.map(({ epoch }) => epoch)).size).toBe(8);
  });

  test("queue.openProducer() returns the positions of `inherit` to a producer without a batch", async () => {
    await using bench = await open();
    await (await openPublisher(bench.queue, "csv@0/2")).publish("a", "b");
    await (await openPublisher(bench.queue, "csv@1/2")).publish("c");
    await openPublisher(bench.queue, "csv@2/4");
    const inherit = ["csv@0/2", "csv@1/2", "csv@2/4", "csv@never/seen", "csv@0/1"];
    for (const life of ["first", "second, still without a batch"]) {
      const { seq, position, inherited } = await bench.queue.openProducer("csv@0/1", { inherit });
      expect({ life, seq, position }).toEqual({ life, seq: 0, position: null });
      expect(inherited.map(({ producer, seq, position }) => [producer, seq, position])).toEqual([
        ["csv@0/2", 2, "after b"],
        ["csv@1/2", 1, "after c"],
      ]);
    }
    await (await openPublisher(bench.queue, "csv@0/1")).publish("d");
    expect((await bench.queue.openProducer("csv@0/1", { inherit })).inherited).toEqual([]);
  });

  test("queue.publish() answers duplicate for known batches, and accepts the rest of a call", async () => {
    await using bench = await open();
    const { producer, epoch, publish } = await openPublisher(bench.queue);
    const from = { producer, epoch };
    await publish("a", "b", "c");
    expect(await bench.queue.publish([batchOf(1, "a"), batchOf(2, "b")], from)).toEqual({ kind: "duplicate" });
    const overlap = [batchOf(2, "b"), batchOf(3, "c"), batchOf(4, "d"), batchOf(5, "e")];
    expect(await bench.queue.publish(overlap, from)).toEqual({ kind: "accepted" });
    expect(textsOf(await claim(bench.queue))).toEqual(["a", "b", "c", "d", "e"]);
    expect((await bench.queue.stats()).counters).toMatchObject({ published: 5, duplicates: 4, readings: 5 });
    expect(await bench.queue.openProducer(producer)).toMatchObject({ seq: 5, position: "after e" });
  });

  test("queue.publish() answers duplicate after the batch was acknowledged", async () => {
    await using bench = await open();
    const { producer, epoch, publish } = await openPublisher(bench.queue);
    await publish("a");
    await bench.queue.ack(receiptsOf(await claim(bench.queue)));
    expect(await bench.queue.publish([batchOf(1, "a")], { producer, epoch })).toEqual({ kind: "duplicate" });
    expect(await claim(bench.queue)).toEqual([]);
  });

  test("queue.publish() accepts nothing after a gap, and answers with the last accepted batch", async () => {
    await using bench = await open();
    const { producer, epoch, publish } = await openPublisher(bench.queue);
    const from = { producer, epoch };
    expect(await bench.queue.publish([batchOf(2, "b")], from)).toEqual({ kind: "gap", last: 0 });
    await publish("a");
    expect(await bench.queue.publish([batchOf(3, "c"), batchOf(4, "d")], from)).toEqual({ kind: "gap", last: 1 });
    expect(textsOf(await claim(bench.queue))).toEqual(["a"]);
    expect((await bench.queue.stats()).counters).toMatchObject({ gaps: 2, published: 1 });
    expect(await publish("b")).toEqual({ kind: "accepted" });
  });

  test("queue.publish() accepts all batches of a call or, without room for them, none", async () => {
    await using bench = await open({ maxBytes: 10 });
    const publisher = await openPublisher(bench.queue);
    expect(await publisher.publish("123456")).toEqual({ kind: "accepted" });
    const full = await publisher.publish("ab", "cde");
    expect(full).toMatchObject({ kind: "full" });
    expect(full.kind === "full" && full.retryAfterMs).toBeGreaterThan(0);
    expect(await bench.queue.stats()).toMatchObject({ ready: 1, bytes: 6, counters: { rejected: 1, published: 1 } });
    expect(await publisher.publish("abcd")).toEqual({ kind: "accepted" });

    const delivery = await claimOne(bench.queue);
    expect(await publisher.publish("x")).toMatchObject({ kind: "full" });
    await bench.queue.nack([delivery.receipt], { kind: "retry", delayMs: 5000, reason: "busy" });
    expect(await publisher.publish("x")).toMatchObject({ kind: "full" });
    expect((await bench.queue.stats()).bytes).toBe(10);
    await bench.advance(5000);
    await bench.queue.ack([(await claimOne(bench.queue)).receipt]);
    expect(await publisher.publish("12345")).toMatchObject({ kind: "full" });
    expect(await publisher.publish("1234")).toEqual({ kind: "accepted" });
  });

  test("queue.publish() to a full queue answers duplicate for a known batch, and full keeps the position", async () => {
    await using bench = await open({ maxBytes: 4 });
    const { producer, epoch, publish } = await openPublisher(bench.queue);
    await publish("1234");
    expect(await bench.queue.publish([batchOf(1, "1234")], { producer, epoch })).toEqual({ kind: "duplicate" });
    expect(await publish("5")).toMatchObject({ kind: "full" });
    expect(await bench.queue.openProducer(producer)).toMatchObject({ seq: 1, position: "after 1234" });
  });

  test("queue.publish() refuses a call that an empty queue has no room for", async () => {
    await using bench = await open({ maxBytes: 4 });
    const publisher = await openPublisher(bench.queue);
    expect(await codeOf(publisher.publish("12345"))).toBe("too_large");
    expect(await codeOf(publisher.publish("123", "45"))).toBe("too_large");
    expect(await publisher.publish("1234")).toEqual({ kind: "accepted" });
  });

  test("queue.publish() accepts a body of MAX_BATCH_BYTES", async () => {
    await using bench = await open({ maxBytes: 2 * MAX_BATCH_BYTES });
    const { producer, epoch } = await bench.queue.openProducer("csv").then(({ epoch }) => ({ producer: "csv", epoch }));
    const body = new Uint8Array(MAX_BATCH_BYTES).fill(171);
    const publish = () => bench.queue.publish([{ seq: 1, body, readings: 1, position: "" }], { producer, epoch });
    // A busy disk may take longer for the body than the time limit of a call.
    const { kind } = await untilAvailable(publish, { what: "the publish" });
    expect(["accepted", "duplicate"]).toContain(kind);
    const delivery = await claimOne(bench.queue, { maxBytes: 1 });
    expect(Buffer.from(delivery.body).equals(body)).toBe(true);
  });

  test("queue.claim() returns batches of several producers, in order within each", async () => {
    await using bench = await open();
    const [a, b] = [await openPublisher(bench.queue, "a"), await openPublisher(bench.queue, "b")];
    for (const number of [1, 2, 3]) {
      await a.publish(`a${number}`);
      await b.publish(`b${number}`);
    }
    const deliveries = await claim(bench.queue);
    for (const producer of ["a", "b"]) {
      const texts = deliveries.filter((delivery) => delivery.producer === producer).map(textOf);
      expect(texts).toEqual([1, 2, 3].map((number) => producer + number));
    }
  });
}
