import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { ProducerQueue, PublishOutcome, Queue } from "../../../services/queue/port.ts";
import { shardOf } from "../../../services/streamer/cut/shard.ts";
import { fleetRows, hostOf, MemoryFiles, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, bucketsOf, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const filesOf = () => new MemoryFiles({ "/data": rows });
const small = { batchSize: 4, intervalMs: 100 };

type Publish = ProducerQueue["publish"];

/** The queue, but for what `publish` does. */
const withPublish = (queue: Queue, publish: (call: number, ...args: Parameters<Publish>) => ReturnType<Publish>) => {
  let calls = 0;
  return {
    openProducer: queue.openProducer.bind(queue),
    publish: (...args: Parameters<Publish>) => publish(++calls, ...args),
  };
};

test("runStreamer() waits as long as a full queue asks, and loses nothing", async () => {
  const clock = new InstantClock();
  const queue = openTestQueue(clock);
  const full = withPublish(
    queue,
    async (call, ...args): Promise<PublishOutcome> =>
      call % 3 === 0 ? { kind: "full", retryAfterMs: 1234 } : queue.publish(...args),
  );
  const summary = await stream(small, { queue: full, files: filesOf(), clock });
  expect(clock.slept.filter((ms) => ms === 1234).length).toBe(summary.waits.full ?? 0);
  expect(summary.waits.full).toBeGreaterThan(5);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(rows));
});

test("runStreamer() asks a queue that is away until it answers, with growing pauses, and says so", async () => {
  const clock = new InstantClock();
  const queue = openTestQueue(clock);
  const states: (string | null)[] = [];
  let opens = 0;
  const refuse = () => Promise.reject(new AppError("connection refused", { code: "unavailable" }));
  const flaky = withPublish(queue, (call, ...args) => (call >= 2 && call <= 12 ? refuse() : queue.publish(...args)));
  const both: ProducerQueue = {
    ...flaky,
    openProducer: (...args) => (++opens <= 3 ? refuse() : queue.openProducer(...args)),
  };
  const summary = await stream(small, { queue: both, files: filesOf(), clock, onState: (state) => states.push(state) });
  expect(summary.waits.unavailable).toBe(14);
  const away = "queue is away: connection refused";
  expect(states).toEqual(["queue has not answered yet", away, null, away, null]);
  expect(Math.max(...clock.slept)).toBeLessThanOrEqual(10_000);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(rows));
});

test("runStreamer() whose publish was accepted but not answered sends nothing twice", async () => {
  const queue = openTestQueue();
  const lossy = withPublish(queue, async (call, ...args) => {
    const outcome = await queue.publish(...args);
    if (call % 2 === 1) throw new AppError("connection reset", { code: "unavailable" });
    return outcome;
  });
  await stream(small, { queue: lossy, files: filesOf() });
  const batches = await batchesIn(queue);
  expect(batches.map(({ seq }) => seq)).toEqual(batches.map((_, index) => index + 1));
  expect(storedOf(batches)).toEqual(readingsOf(rows));
});

test("runStreamer() stops with conflict when another streamer opens the same source", async () => {
  const queue = openTestQueue();
  const taken = withPublish(queue, async (call, batches, from) => {
    if (call === 3) await queue.openProducer(from.producer);
    return queue.publish(batches, from);
  });
  const outcome = stream(small, { queue: taken, files: filesOf() });
  expect(await outcome.catch((error) => error)).toMatchObject({ code: "conflict" });
});

/** A queue that comes back as it was `lost` batches earlier, once `after` batches have been accepted. */
function losingQueue({ lost, after, clock }: { lost: number; after: number; clock: InstantClock }) {
  const positions: { seq: number; position: string }[] = [];
  let epoch = 0;
  const before = openMemoryQueue({ clock, maxBytes: 1e8, maxDeliveries: 5 });
  const restored = openMemoryQueue({
    clock,
    maxBytes: 1e8,
    maxDeliveries: 5,
    restore: async () => ({ epoch, ...(positions.at(-1 - lost) as { seq: number; position: string }) }),
  });
  let current = before;
  let restoredTo = 0;
  const queue: ProducerQueue = {
    openProducer: (...args) => current.openProducer(...args),
    publish: async (batches, from) => {
      if (positions.length >= after && current === before) {
        epoch = from.epoch - 1;
        current = restored;
        restoredTo = (await restored.openProducer(from.producer)).seq;
      }
      const outcome = await current.publish(batches, from);
      if (outcome.kind === "accepted") for (const { seq, position } of batches) positions.push({ seq, position });
      return outcome;
    },
  };
  /** What a store would hold. */
  const kept = async () => {
    const survived = (await batchesIn(before)).filter(({ seq }) => seq <= restoredTo);
    const again = await batchesIn(restored);
    expect(again[0]?.seq).toBe(restoredTo + 1);
    return [...survived, ...again];
  };
  return { queue, kept };
}

test("runStreamer() goes back to where a queue that lost batches stands", async () => {
  for (const { lost, how } of [
    { lost: 3, how: small },
    { lost: 3, how: { batchSize: 4 } },
    { lost: 1, how: small },
  ]) {
    const clock = new InstantClock();
    const { queue, kept } = losingQueue({ lost, after: 8, clock });
    const files = new MemoryFiles({ "/data": [...rows.slice(0, 30), { skip: "time" }, ...rows.slice(30)] });
    const summary = await stream(how, { queue, files, clock });
    expect(summary).toMatchObject({ waits: { gap: 1 }, skipped: { time: 1 } });
    const batches = await kept();
    expect(storedOf(batches)).toEqual(readingsOf(rows));
    expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
  }
});

test("runStreamer() looping goes back into the pass before when the queue has lost its end", async () => {
  const clock = new InstantClock();
  // A pass has 30 batches.
  const { queue, kept } = losingQueue({ lost: 5, after: 32, clock });
  await stream({ ...small, loop: true }, { queue, files: filesOf(), clock, stopAfter: 80 });
  const passes = new Map<string, number>();
  for (const bucket of (await kept()).flatMap(bucketsOf)) passes.set(bucket, (passes.get(bucket) ?? 0) + 1);
  expect(Math.min(...passes.values())).toBeGreaterThanOrEqual(2);
  expect(Math.max(...passes.values()) - Math.min(...passes.values())).toBeLessThanOrEqual(1);
});

/** A queue that has forgotten everything, once, when it is about to accept the batch. */
function forgettingQueue(clock: InstantClock, isAbout: (producer: string, seq: number) => boolean) {
  let current = openTestQueue(clock);
  let lives = 1;
  const queue: ProducerQueue = {
    openProducer: (...args) => current.openProducer(...args),
    publish: async (batches, from) => {
      if (lives === 1 && batches.some(({ seq }) => isAbout(from.producer, seq))) {
        current = openTestQueue(clock);
        lives++;
      }
      return await current.publish(batches, from);
    },
  };
  return { queue, kept: () => batchesIn(current), lives: () => lives };
}

test("runStreamer() starts over in the life it has when the queue has forgotten everything", async () => {
  for (const how of [small, { batchSize: 4 }, { ...small, loop: true }]) {
    const clock = new InstantClock();
    const { queue, kept } = forgettingQueue(clock, (_, seq) => seq === 7);
    const summary = await stream(how, { queue, files: filesOf(), clock, stopAfter: "loop" in how ? 60 : undefined });
    expect(summary.waits.gap).toBe(1);
    const batches = await kept();
    expect(batches[0]?.seq).toBe(1);
    expect(storedOf(batches)).toEqual(readingsOf(rows));
  }
});

test("runStreamer() sends files again that were done before the queue forgot them", async () => {
  const clock = new InstantClock();
  const others = fleetRows({ gpus: 3, ticks: 4, metrics: 5 });
  const last = fleetRows({ gpus: 2, ticks: 3, metrics: 7 });
  const files = new MemoryFiles({ "/data/a": rows, "/data/b": others, "/data/c": last });
  const { queue, kept, lives } = forgettingQueue(clock, (producer, seq) => producer.includes("/b@") && seq === 2);
  await stream(small, { queue, files, clock });
  expect(lives()).toBe(2);
  expect(storedOf(await kept())).toEqual(readingsOf([...rows, ...others, ...last]));
});

test("runStreamer() starts over when the queue has forgotten a shard that went on where others had stopped", async () => {
  const clock = new InstantClock();
  let current = openTestQueue(clock);
  await stream(small, { queue: current, files: filesOf(), clock, stopAfter: 12 });
  const seen = current;
  const queue: ProducerQueue = {
    openProducer: (...args) => current.openProducer(...args),
    publish: async (batches, from) => {
      if (current === seen && from.producer.endsWith("@0/2") && batches[0]?.seq === 3) current = openTestQueue(clock);
      return await current.publish(batches, from);
    },
  };
  await stream({ ...small, shards: 2, shard: 0 }, { queue, files: filesOf(), clock });
  expect(current).not.toBe(seen);
  const own = readingsOf(rows.filter((row) => "gpu" in row && shardOf(hostOf(row.gpu), 2) === 0));
  expect(storedOf(await batchesIn(current))).toEqual(own);
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
  await stream({ batchSize: 4 }, { queue: draining, files: filesOf(), clock });
  seen.push(...(await batchesIn(queue)));
  expect(storedOf(seen)).toEqual(readingsOf(rows));
});

test("runStreamer() returns at once when stopped, though the queue does not answer", async () => {
  const controller = new AbortController();
  let asked = 0;
  const silent: ProducerQueue = {
    openProducer: async () => ({ epoch: 1, seq: 0, position: null, inherited: [] }),
    publish: () => {
      asked++;
      return new Promise(() => {});
    },
  };
  const outcome = stream(small, { queue: silent, files: filesOf(), signal: controller.signal });
  await eventually(() => asked > 0, { what: "a publish" });
  controller.abort();
  expect(await outcome).toMatchObject({ batches: 0, passes: 0 });
});

test("runStreamer() keeps what waits for a slow queue within bounds", async () => {
  const queue = openTestQueue();
  const sizes: number[] = [];
  const slow = withPublish(queue, async (_, ...args) => {
    sizes.push(args[0].length);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return queue.publish(...args);
  });
  const many = fleetRows({ gpus: 100, ticks: 20, metrics: 1 });
  await stream({ batchSize: 1 }, { queue: slow, files: new MemoryFiles({ "/data": many }) });
  expect(Math.max(...sizes)).toBeGreaterThan(50);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(101);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(many));
});
