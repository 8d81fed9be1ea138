import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { Availability } from "../../../services/platform/process/availability.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { OutgoingBatch, ProducerQueue, PublishOutcome } from "../../../services/queue/port.ts";
import { QueueRecorder } from "../../../services/receiver/record/queue-recorder.ts";

const memoryQueue = () => openMemoryQueue({ clock: systemClock, maxBytes: 1024 * 1024, maxDeliveries: 5 });
const batch = (text: string) => ({ body: new TextEncoder().encode(text), readings: 1 });
const recorderOf = (queue: ProducerQueue) =>
  new QueueRecorder({
    queue,
    producer: "receive/test@0/1",
    availability: new Availability("queue", { clock: systemClock, log: silentLogger }),
  });

const claimed = async (queue: ReturnType<typeof memoryQueue>) =>
  (await queue.claim({ max: 100, maxBytes: 1e6, leaseMs: 1000, waitMs: 0 })).map(({ body }) =>
    new TextDecoder().decode(body),
  );

test("record() resolves once the queue has the batches, and publishes requests that wait together", async () => {
  await using queue = memoryQueue();
  const calls: number[] = [];
  const publish: ProducerQueue["publish"] = (batches, from) => {
    calls.push(batches.length);
    return queue.publish(batches, from);
  };
  const recorder = recorderOf({ openProducer: (...given) => queue.openProducer(...given), publish });
  await Promise.all(["a", "b", "c"].map((text) => recorder.record([batch(text), batch(`${text}2`)])));
  expect(calls).toEqual([2, 4]);
  expect(await claimed(queue)).toEqual(["a", "a2", "b", "b2", "c", "c2"]);
});

/** A queue that answers with these outcomes first. */
function answering(queue: ReturnType<typeof memoryQueue>, ...outcomes: (PublishOutcome | AppError | "lost reply")[]) {
  return recorderOf({
    openProducer: (...given) => queue.openProducer(...given),
    publish: async (batches: readonly OutgoingBatch[], from) => {
      const outcome = outcomes.shift();
      if (outcome instanceof AppError) throw outcome;
      if (outcome !== undefined && outcome !== "lost reply") return outcome;
      const answer = await queue.publish(batches, from);
      if (outcome === "lost reply") throw new AppError("connection reset", { code: "unavailable" });
      return answer;
    },
  });
}

const AWAY = new AppError("connection refused", { code: "unavailable" });
for (const [name, outcome] of [
  ["full", { kind: "full", retryAfterMs: 100 }],
  ["away", AWAY],
  ["fenced", { kind: "fenced" }],
  ["behind", { kind: "gap", last: 0 }],
] as const) {
  test(`record() refuses the requests of a call while the queue is ${name}, and later ones are taken`, async () => {
    await using queue = memoryQueue();
    const recorder = answering(queue, outcome);
    await expect(recorder.record([batch("a")])).rejects.toMatchObject({ code: "unavailable", retryAfterMs: 2000 });
    await recorder.record([batch("a")]);
    expect(await claimed(queue)).toEqual(["a"]);
  });
}

test("record() after a lost reply publishes with the next number, whatever the queue has", async () => {
  await using queue = memoryQueue();
  const recorder = answering(queue, "lost reply");
  await expect(recorder.record([batch("a")])).rejects.toMatchObject({ code: "unavailable" });
  await recorder.record([batch("a")]);
  await recorder.record([batch("b")]);
  expect(await claimed(queue)).toEqual(["a", "a", "b"]);
});

test("record() goes on after the last batch that a queue has which lost some", async () => {
  const published: number[] = [];
  const recorder = recorderOf({
    openProducer: () => Promise.resolve({ epoch: 1, seq: 7, position: "7", inherited: [] }),
    publish: ([first]) => {
      published.push(first?.seq ?? 0);
      return Promise.resolve(published.length === 2 ? { kind: "gap", last: 3 } : { kind: "accepted" });
    },
  });
  await recorder.record([batch("a")]);
  await expect(recorder.record([batch("b")])).rejects.toMatchObject({ code: "unavailable" });
  await recorder.record([batch("b")]);
  expect(published).toEqual([8, 9, 4]);
});
