import { expect, test } from "bun:test";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { ProducerQueue } from "../../../services/queue/port.ts";
import { shardOf } from "../../../services/streamer/cut/shard.ts";
import { fleetRows, hostOf, MemoryFiles, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, bucketsOf, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const filesOf = () => new MemoryFiles({ "/data": rows });
const small = { batchSize: 4, intervalMs: 100 };

/** A queue that is restored to its state `lost` batches earlier, once it has accepted `after` batches. */
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
  /** The batches that a store would hold. */
  const kept = async () => {
    const survived = (await batchesIn(before)).filter(({ seq }) => seq <= restoredTo);
    const again = await batchesIn(restored);
    expect(again[0]?.seq).toBe(restoredTo + 1);
    return [...survived, ...again];
  };
  return { queue, kept };
}

test("runStreamer() goes back to the last batch of a queue that has lost some", async () => {
  for (const { lost, how } of [
    { lost: 3, how: small },
    { lost: 3, how: { batchSize: 4 } },
    { lost: 1, how: small },
  ]) {
    const clock = new InstantClock();
    const { queue, kept } = losingQueue({ lost, after: 8, clock });
    const files = new MemoryFiles({ "/data": [...rows.slice(0, 30), { skip: "time" }, ...rows.slice(30)] });
    const summary = await stream(how, { queue, sources: files, clock });
    expect(summary).toMatchObject({ waits: { gap: 1 }, skipped: { time: 1 } });
    const batches = await kept();
    expect(storedOf(batches)).toEqual(readingsOf(rows));
    expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
  }
});

test("runStreamer() looping goes back to the previous pass if the queue has lost its end", async () => {
  const clock = new InstantClock();
  // A pass has 30 batches.
  const { queue, kept } = losingQueue({ lost: 5, after: 32, clock });
  await stream({ ...small, loop: true }, { queue, sources: filesOf(), clock, stopAfter: 80 });
  const passes = new Map<string, number>();
  for (const bucket of (await kept()).flatMap(bucketsOf)) passes.set(bucket, (passes.get(bucket) ?? 0) + 1);
  expect(Math.min(...passes.values())).toBeGreaterThanOrEqual(2);
  expect(Math.max(...passes.values()) - Math.min(...passes.values())).toBeLessThanOrEqual(1);
});

/** A queue that loses everything, once, just before it accepts the batch that `isAbout` names. */
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

test("runStreamer() starts over in the same epoch if the queue has lost everything", async () => {
  for (const how of [small, { batchSize: 4 }, { ...small, loop: true }]) {
    const clock = new InstantClock();
    const { queue, kept } = forgettingQueue(clock, (_, seq) => seq === 7);
    const summary = await stream(how, { queue, sources: filesOf(), clock, stopAfter: "loop" in how ? 60 : undefined });
    expect(summary.waits.gap).toBe(1);
    const batches = await kept();
    expect(batches[0]?.seq).toBe(1);
    expect(storedOf(batches)).toEqual(readingsOf(rows));
  }
});

test("runStreamer() sends finished sources again if the queue has lost them", async () => {
  const clock = new InstantClock();
  const others = fleetRows({ gpus: 3, ticks: 4, metrics: 5 });
  const last = fleetRows({ gpus: 2, ticks: 3, metrics: 7 });
  const files = new MemoryFiles({ "/data/a": rows, "/data/b": others, "/data/c": last });
  const { queue, kept, lives } = forgettingQueue(clock, (producer, seq) => producer.includes("/b@") && seq === 2);
  await stream(small, { queue, sources: files, clock });
  expect(lives()).toBe(2);
  expect(storedOf(await kept())).toEqual(readingsOf([...rows, ...others, ...last]));
});

test("runStreamer() starts over if the queue has lost a shard that had continued after other shards", async () => {
  const clock = new InstantClock();
  let current = openTestQueue(clock);
  await stream(small, { queue: current, sources: filesOf(), clock, stopAfter: 12 });
  const seen = current;
  const queue: ProducerQueue = {
    openProducer: (...args) => current.openProducer(...args),
    publish: async (batches, from) => {
      if (current === seen && from.producer.endsWith("@0/2") && batches[0]?.seq === 3) current = openTestQueue(clock);
      return await current.publish(batches, from);
    },
  };
  await stream({ ...small, shards: 2, shard: 0 }, { queue, sources: filesOf(), clock });
  expect(current).not.toBe(seen);
  const own = readingsOf(rows.filter((row) => "gpu" in row && shardOf(hostOf(row.gpu), 2) === 0));
  expect(storedOf(await batchesIn(current))).toEqual(own);
});
