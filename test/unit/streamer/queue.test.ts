import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { ProducerQueue, PublishOutcome, Queue } from "../../../services/queue/port.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { fleetRows, MemoryFiles, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const filesOf = () => new MemoryFiles({ "/data": rows });
const small = { batchSize: 4, intervalMs: 100 };

type Publish = ProducerQueue["publish"];

/** The queue with another `publish`, which gets the number of its call. */
const withPublish = (queue: Queue, publish: (call: number, ...args: Parameters<Publish>) => ReturnType<Publish>) => {
  let calls = 0;
  return {
    openProducer: queue.openProducer.bind(queue),
    publish: (...args: Parameters<Publish>) => publish(++calls, ...args),
  };
};

test("runStreamer() waits for the retryAfterMs of a full queue, then retries, and sends everything", async () => {
  const clock = new InstantClock();
  const queue = openTestQueue(clock);
  const full = withPublish(
    queue,
    async (call, ...args): Promise<PublishOutcome> =>
      call % 3 === 0 ? { kind: "full", retryAfterMs: 1234 } : queue.publish(...args),
  );
  const summary = await stream(small, { queue: full, sources: filesOf(), clock });
  expect(clock.slept.filter((ms) => ms === 1234).length).toBe(summary.waits.full ?? 0);
  expect(summary.waits.full).toBeGreaterThan(5);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(rows));
});

test("runStreamer() retries an unavailable queue with growing pauses and reports it", async () => {
  const clock = new InstantClock();
  const queue = openTestQueue(clock);
  const states: (string | null)[] = [];
  const { log, lines } = keptLog();
  let opens = 0;
  const refuse = () => Promise.reject(new AppError("connection refused", { code: "unavailable" }));
  const flaky = withPublish(queue, (call, ...args) => (call >= 2 && call <= 12 ? refuse() : queue.publish(...args)));
  const both: ProducerQueue = {
    ...flaky,
    openProducer: (...args) => (++opens <= 3 ? refuse() : queue.openProducer(...args)),
  };
  const summary = await stream(small, {
    queue: both,
    sources: filesOf(),
    clock,
    onState: (state) => states.push(state),
    log,
  });
  expect(summary.waits.unavailable).toBe(14);
  const unanswered = "queue is unavailable: has not answered yet";
  const down = "queue is unavailable: connection refused";
  expect(states).toEqual([unanswered, down, null, down, null]);
  const outage = [
    { message: "unavailable", fields: { dependency: "queue", reason: "connection refused" } },
    { message: "available", fields: { dependency: "queue", downMs: expect.any(Number) } },
  ];
  expect(lines.filter(({ message }) => message.endsWith("available"))).toMatchObject([...outage, ...outage]);
  expect(Math.max(...clock.slept)).toBeLessThanOrEqual(10_000);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(rows));
});

test("runStreamer() sends nothing twice if a publish was accepted but not answered", async () => {
  const queue = openTestQueue();
  const lossy = withPublish(queue, async (call, ...args) => {
    const outcome = await queue.publish(...args);
    if (call % 2 === 1) throw new AppError("connection reset", { code: "unavailable" });
    return outcome;
  });
  await stream(small, { queue: lossy, sources: filesOf() });
  const batches = await batchesIn(queue);
  expect(batches.map(({ seq }) => seq)).toEqual(batches.map((_, index) => index + 1));
  expect(storedOf(batches)).toEqual(readingsOf(rows));
});

test("runStreamer() stops with conflict if another streamer opens the same source", async () => {
  const queue = openTestQueue();
  const taken = withPublish(queue, async (call, batches, from) => {
    if (call === 3) await queue.openProducer(from.producer);
    return queue.publish(batches, from);
  });
  const outcome = stream(small, { queue: taken, sources: filesOf() });
  expect(await outcome.catch((error) => error)).toMatchObject({ code: "conflict" });
});

test("runStreamer() divides a call that is too large for the queue", async () => {
  const clock = new InstantClock();
  const queue = openMemoryQueue({ clock, maxBytes: 1000, maxDeliveries: 5 });
  const seen: Awaited<ReturnType<typeof batchesIn>> = [];
  const draining = withPublish(queue, async (_, ...args) => {
    const outcome = await queue.publish(...args);
    if (outcome.kind === "full") seen.push(...(await batchesIn(queue)));
    return outcome;
  });
  await stream({ batchSize: 4 }, { queue: draining, sources: filesOf(), clock });
  seen.push(...(await batchesIn(queue)));
  expect(storedOf(seen)).toEqual(readingsOf(rows));
});

test("runStreamer() returns at once when aborted, even if the queue does not answer", async () => {
  const controller = new AbortController();
  let asked = 0;
  const silent: ProducerQueue = {
    openProducer: async () => ({ epoch: 1, seq: 0, position: null, inherited: [] }),
    publish: () => {
      asked++;
      return new Promise(() => {});
    },
  };
  const outcome = stream(small, { queue: silent, sources: filesOf(), signal: controller.signal });
  await eventually(() => asked > 0, { what: "a publish" });
  controller.abort();
  expect(await outcome).toMatchObject({ batches: 0, passes: 0 });
});

test("runStreamer() bounds the batches that wait for a slow queue", async () => {
  const queue = openTestQueue();
  const sizes: number[] = [];
  const slow = withPublish(queue, async (_, ...args) => {
    sizes.push(args[0].length);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return queue.publish(...args);
  });
  const many = fleetRows({ gpus: 100, ticks: 20, metrics: 1 });
  await stream({ batchSize: 1 }, { queue: slow, sources: new MemoryFiles({ "/data": many }) });
  expect(Math.max(...sizes)).toBeGreaterThan(50);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(101);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(many));
});
