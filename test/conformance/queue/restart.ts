/** Conformance of durable queues: what a restart keeps. */
import { expect, test } from "bun:test";
import { claim, type OpenQueue, openPublisher, receiptsOf, textsOf } from "./bench.ts";

export function restartConformance(open: OpenQueue): void {
  test("queue keeps ready, leased, delayed and dead batches across a restart, with attempts and receipts", async () => {
    await using bench = await open({ maxDeliveries: 3 });
    await (await openPublisher(bench.queue)).publish("a", "b", "c", "d");
    const [a = "", b = "", c = ""] = receiptsOf(await claim(bench.queue, { max: 3 }));
    await bench.queue.nack([b], { kind: "retry", delayMs: 5000, reason: "busy" });
    await bench.queue.nack([c], { kind: "reject", reason: "damaged" });
    const before = await bench.queue.stats();

    const queue = await bench.restart?.();
    if (queue === undefined) throw new Error("this queue cannot be restarted");
    expect(await queue.stats()).toEqual(before);
    expect(await queue.extend([a], 60_000)).toEqual([true]);
    expect(textsOf(await claim(queue))).toEqual(["d"]);
    await bench.advance(5000);
    const [again] = await claim(queue);
    expect(again).toMatchObject({ attempt: 2, seq: 2 });
    expect(await queue.ack([a])).toEqual([true]);
    expect((await queue.deadLetters.list({ limit: 10 })).letters.map(({ reason }) => reason)).toEqual(["damaged"]);
  });

  test("queue.openProducer() continues after the last accepted batch across a restart", async () => {
    await using bench = await open();
    const first = await openPublisher(bench.queue);
    await first.publish("a", "b");
    const queue = await bench.restart?.();
    if (queue === undefined) throw new Error("this queue cannot be restarted");
    const second = await openPublisher(queue);
    expect(second).toMatchObject({ seq: 2, position: "after b" });
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(await second.publish("c")).toEqual({ kind: "accepted" });
  });
}
