/** Conformance of epochs that `publish` brings: unknown ones, and ones that no queue has given. */
import { expect, test } from "bun:test";
import { MAX_EPOCH_AHEAD_MS } from "../../../services/queue/port.ts";
import { batchOf, claim, codeOf, type OpenQueue, openPublisher } from "./bench.ts";

export function epochConformance(open: OpenQueue): void {
  test("queue.publish() accepts an unknown life as the newest if its epoch is greater, and fences the others", async () => {
    await using bench = await open();
    const first = await openPublisher(bench.queue);
    await first.publish("a", "b");
    const unknown = { producer: first.producer, epoch: first.epoch + 7 };
    expect(await bench.queue.publish([batchOf(4, "d")], unknown)).toEqual({ kind: "gap", last: 2 });
    expect(await first.publish("c")).toEqual({ kind: "fenced" });
    expect(await bench.queue.publish([batchOf(2, "b")], unknown)).toEqual({ kind: "duplicate" });
    expect(await bench.queue.publish([batchOf(3, "c")], unknown)).toEqual({ kind: "accepted" });
    expect((await bench.queue.openProducer(first.producer)).epoch).toBeGreaterThan(unknown.epoch);
    expect(await bench.queue.publish([batchOf(4, "d")], unknown)).toEqual({ kind: "fenced" });
    expect((await claim(bench.queue)).map(({ seq, epoch }) => [seq, epoch - first.epoch])).toEqual([
      [1, 0],
      [2, 0],
      [3, 7],
    ]);
  });

  test("queue.publish() of a forgotten producer answers gap until its first batch, and keeps its life", async () => {
    await using bench = await open();
    const forgotten = { producer: "csv@0/1", epoch: 41 };
    expect(await bench.queue.publish([batchOf(9, "i")], forgotten)).toEqual({ kind: "gap", last: 0 });
    expect(await bench.queue.publish([batchOf(1, "a")], { ...forgotten, epoch: 40 })).toEqual({ kind: "fenced" });
    expect(await bench.queue.publish([batchOf(1, "a"), batchOf(2, "b")], forgotten)).toEqual({ kind: "accepted" });
    const opened = await bench.queue.openProducer("csv@0/1");
    expect(opened).toMatchObject({ seq: 2, position: "after b" });
    expect(opened.epoch).toBeGreaterThan(41);
  });

  const ahead: readonly [what: string, epoch: number][] = [
    ["the largest epoch", Number.MAX_SAFE_INTEGER],
    ["an epoch hours ahead of the clock", Date.now() + 2 * MAX_EPOCH_AHEAD_MS],
  ];
  for (const [what, epoch] of ahead) {
    test(`queue.publish() refuses ${what} and keeps nothing of it`, async () => {
      await using bench = await open({ maxBytes: 4 });
      const { queue } = bench;
      const first = await openPublisher(queue);
      await first.publish("a");
      const forged = { producer: first.producer, epoch };
      for (const [seq, text] of [
        [1, "a"],
        [2, "b"],
        [9, "gap"],
        [2, "larger"],
      ] as const) {
        expect(await codeOf(queue.publish([batchOf(seq, text)], forged))).toBe("invalid");
      }
      expect(await codeOf(queue.publish([batchOf(1, "a")], { producer: "unknown", epoch }))).toBe("invalid");

      expect(await first.publish("b")).toEqual({ kind: "accepted" });
      const second = await openPublisher(queue);
      expect(second).toMatchObject({ seq: 2, position: "after b" });
      expect(second.epoch).toBeLessThan(epoch);
      expect(await second.publish("c")).toEqual({ kind: "accepted" });
      expect((await openPublisher(queue, "unknown")).epoch).toBeLessThan(epoch);
      expect((await queue.stats()).counters).toMatchObject({ published: 3, duplicates: 0, gaps: 0, fenced: 0 });
    });
  }

  test("queue.publish() that is too large does not begin a life", async () => {
    await using bench = await open({ maxBytes: 4 });
    const first = await openPublisher(bench.queue);
    const unknown = { producer: first.producer, epoch: first.epoch + 7 };
    expect(await codeOf(bench.queue.publish([batchOf(1, "12345")], unknown))).toBe("too_large");
    expect(await first.publish("a")).toEqual({ kind: "accepted" });
  });
}
