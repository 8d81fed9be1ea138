import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { BatchLedger } from "../../../services/queue/memory/ledger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { batchOf, claim, claimOne, codeOf, openPublisher, receiptsOf, textsOf } from "../../conformance/queue/bench.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const open = (options: Partial<Parameters<typeof openMemoryQueue>[0]> = {}) => {
  const clock = new ManualClock();
  return { clock, queue: openMemoryQueue({ clock, maxBytes: 1000, maxDeliveries: 5, ...options }) };
};

test("memory queue serves waiting claims in the order of their calls, each with as much as it asked for", async () => {
  const { queue } = open();
  const order: string[] = [];
  const waiting = ["first", "second", "third"].map(async (name, index) => {
    const deliveries = await claim(queue, { max: 2 - (index % 2), waitMs: 1000 });
    order.push(`${name}: ${textsOf(deliveries).join(" ")}`);
  });
  await (await openPublisher(queue)).publish("a", "b", "c", "d");
  await Promise.all(waiting);
  expect(order).toEqual(["first: a b", "second: c", "third: d"]);
});

test("memory queue delivers an expired batch to a waiting claim before a new one", async () => {
  const { clock, queue } = open();
  await (await openPublisher(queue)).publish("a");
  await claimOne(queue, { leaseMs: 1000 });
  const waiting = claim(queue, { waitMs: 5000 });
  await clock.advance(1000);
  expect(await claim(queue)).toEqual([]);
  expect(textsOf(await waiting)).toEqual(["a"]);
});

test("memory queue sets a timer only while a claim waits", async () => {
  const { clock, queue } = open();
  const publisher = await openPublisher(queue);
  await publisher.publish("a", "b");
  const [receipt = ""] = receiptsOf(await claim(queue));
  await queue.nack([receipt], { kind: "retry", delayMs: 100, reason: "busy" });
  expect(clock.sleeping).toBe(0);
  const waiting = claim(queue, { waitMs: 5000 });
  expect(clock.sleeping).toBeGreaterThan(0);
  await publisher.publish("c");
  await waiting;
  expect(clock.sleeping).toBe(0);

  const leaving = new AbortController();
  const aborted = claim(queue, { waitMs: 5000, signal: leaving.signal });
  leaving.abort();
  await aborted;
  expect(clock.sleeping).toBe(0);
});

test("openProducer() of the memory queue reads a position from the store once, then keeps it", async () => {
  const asked: string[] = [];
  const { queue } = open({
    restore: async (producer) => {
      asked.push(producer);
      return producer.endsWith("/2") ? { epoch: 3, seq: 41, position: `stored ${producer}` } : null;
    },
  });
  const opened = await queue.openProducer("csv@0/2");
  expect(opened).toEqual({ epoch: 4, seq: 41, position: "stored csv@0/2", inherited: [] });
  const from = { producer: "csv@0/2", epoch: 4 };
  expect(await queue.publish([batchOf(41, "stored")], from)).toEqual({ kind: "duplicate" });
  expect(await queue.publish([batchOf(42, "new")], from)).toEqual({ kind: "accepted" });
  expect(await queue.openProducer("csv@0/2")).toMatchObject({ epoch: 5, seq: 42, position: "after new" });

  const { inherited } = await queue.openProducer("csv@0/1", { inherit: ["csv@0/2", "csv@1/2"] });
  expect(inherited).toEqual([
    { producer: "csv@0/2", epoch: 5, seq: 42, position: "after new" },
    { producer: "csv@1/2", epoch: 3, seq: 41, position: "stored csv@1/2" },
  ]);
  expect(asked).toEqual(["csv@0/2", "csv@0/1", "csv@1/2"]);
});

test("openProducer() of the memory queue throws while the store is unavailable, and asks again at the next call", async () => {
  let isDown = true;
  const { queue } = open({
    restore: async () => {
      if (isDown) throw new AppError("store unavailable", { code: "unavailable" });
      return { epoch: 1, seq: 9, position: "stored" };
    },
  });
  const calls = [queue.openProducer("csv"), queue.openProducer("csv")];
  expect(await Promise.all(calls.map(codeOf))).toEqual(["unavailable", "unavailable"]);
  isDown = false;
  expect(await queue.openProducer("csv")).toMatchObject({ epoch: 2, seq: 9 });
});

test("BatchLedger.hasRoom() bounds the number of batches as well as their bytes", () => {
  const ledger = new BatchLedger({ maxBytes: 10, maxBatches: 2, maxDeliveries: 5, maxDeadBytes: 10 });
  expect([ledger.hasRoom(2, 10), ledger.hasRoom(2, 11), ledger.hasRoom(3, 0)]).toEqual([true, false, false]);
  for (const seq of [1, 2]) ledger.accept(batchOf(seq, ""), { producer: "csv", epoch: 1 }, 0);
  expect([ledger.hasRoom(0, 0), ledger.hasRoom(1, 0)]).toEqual([true, false]);
});

test("memory queue, once closed, ends waiting claims and throws unavailable", async () => {
  const { clock, queue } = open();
  const waiting = claim(queue, { waitMs: 5000 });
  await queue[Symbol.asyncDispose]();
  expect(await waiting).toEqual([]);
  expect(await codeOf(queue.openProducer("csv"))).toBe("unavailable");
  expect(await codeOf(claim(queue))).toBe("unavailable");
  expect(clock.sleeping).toBe(0);
});
