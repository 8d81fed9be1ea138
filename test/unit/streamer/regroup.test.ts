import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { fleetRows, MemoryFiles, type MemoryRow, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, bucketsOf, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

// Random files and large batches: much work on a busy machine.
setDefaultTimeout(300_000);

const START = Date.UTC(2025, 6, 18, 20, 42, 34);
const seed = Date.now() % 2 ** 31;
console.log(`streamer-regroup seed ${seed}`);

const row = fc.record({
  gpu: fc.integer({ min: 0, max: 5 }),
  metric: fc.constantFrom("DCGM_FI_DEV_A", "DCGM_FI_DEV_B", "DCGM_FI_DEV_GPU_UTIL"),
  at: fc.integer({ min: 0, max: 6 }).map((second) => START + second * 1000),
  // Below 0 no utilisation exists.
  value: fc.integer({ min: -1, max: 3 }),
  pod: fc.constantFrom("", "train-1"),
});
const skipped = fc.constant<MemoryRow>({ skip: "time" });
/** In any order of time, with duplicates and bad rows. */
/** A file of skipped rows alone would fail. */
const anyRows = fc
  .array(fc.oneof({ weight: 9, arbitrary: row }, { weight: 1, arbitrary: skipped }), { maxLength: 60 })
  .filter((rows) => rows.length === 0 || rows.some((given) => !("skip" in given)));
const isPlausible = (given: MemoryRow) =>
  "skip" in given || given.metric !== "DCGM_FI_DEV_GPU_UTIL" || given.value >= 0;
const inOrder = anyRows.map((rows) => rows.sort((a, b) => ("skip" in a || "skip" in b ? 0 : a.at - b.at)));
const rowsOfFile = fc.oneof(anyRows, inOrder);
const manner = fc.record({
  batchSize: fc.constantFrom(null, 1, 2, 3, 7, 100),
  intervalMs: fc.constantFrom(0, 100),
});

test("runStreamer() sends every reading, whatever the pace, batch size, shards and moments of abort", async () => {
  await fc.assert(
    fc.asyncProperty(
      rowsOfFile,
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.record({ manner, stopAfter: fc.integer({ min: 0, max: 4 }) }), { maxLength: 5 }),
      manner,
      async (rows, shards, cuts, last) => {
        const clock = new InstantClock();
        const queue = openTestQueue(clock);
        const files = new MemoryFiles({ "/data": rows });
        for (let shard = 0; shard < shards; shard++) {
          for (const cut of cuts) {
            await stream({ ...cut.manner, shard, shards }, { queue, sources: files, clock, stopAfter: cut.stopAfter });
          }
          await stream({ ...last, shard, shards }, { queue, sources: files, clock });
        }
        const batches = await batchesIn(queue);
        expect(storedOf(batches)).toEqual(readingsOf(rows.filter(isPlausible)));
        // At most, because a duplicate within one batch is merged.
        const sent = batches.reduce((sum, { readings }) => sum + readings, 0);
        expect(sent).toBeLessThanOrEqual(rows.filter((given) => !("skip" in given)).length);
      },
    ),
    { numRuns: 300, seed },
  );
});

test("runStreamer() aborted after any batch and run again sends the same batches as one run", async () => {
  await fc.assert(
    fc.asyncProperty(
      rowsOfFile,
      manner,
      fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }),
      async (rows, how, cuts) => {
        const files = new MemoryFiles({ "/data": rows });
        const whole = openTestQueue();
        await stream(how, { queue: whole, sources: files });
        const pieces = openTestQueue();
        for (const stopAfter of cuts) await stream(how, { queue: pieces, sources: files, stopAfter });
        await stream(how, { queue: pieces, sources: files });
        const seen = (batches: readonly Batch[]) =>
          batches.map((batch) => [batch.seq, bucketsOf(batch), batch.sightings]);
        expect(seen(await batchesIn(pieces))).toEqual(seen(await batchesIn(whole)));
      },
    ),
    { numRuns: 300, seed },
  );
});

test("runStreamer() at a pace sends whole GPUs of one tick, about 100 readings a batch", async () => {
  const queue = openTestQueue();
  const rows = fleetRows({ gpus: 80, ticks: 3, metrics: 3 });
  await stream({ intervalMs: 100 }, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const batches = await batchesIn(queue);
  expect(batches.map(({ readings }) => readings)).toEqual([99, 99, 42, 99, 99, 42, 99, 99, 42]);
  for (const { firstAt, lastAt, blocks } of batches) {
    expect(firstAt).toBe(lastAt);
    for (const block of blocks) expect(block.readings).toBe(3);
  }
});

test("runStreamer() at a pace does not divide a GPU's tick for a small BATCH_SIZE", async () => {
  const queue = openTestQueue();
  const rows = fleetRows({ gpus: 4, ticks: 2, metrics: 3 });
  await stream({ intervalMs: 100, batchSize: 1 }, { queue, sources: new MemoryFiles({ "/data": rows }) });
  expect((await batchesIn(queue)).map(({ readings, blocks }) => [readings, blocks.length])).toEqual(
    Array.from({ length: 8 }, () => [3, 1]),
  );
});

test("runStreamer() at full speed puts many ticks of a GPU into a block, and ends batches between ticks", async () => {
  const queue = openTestQueue();
  const ticks = 150;
  const rows = fleetRows({ gpus: 300, ticks, metrics: 2 });
  await stream({}, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const batches = await batchesIn(queue);
  expect(batches.map(({ readings }) => readings)).toEqual([65_400, 90_000 - 65_400]);
  expect(batches[0]?.blocks.length).toBe(300);
  expect(batches[0]?.blocks[0]?.readings).toBe(218);
  expect(storedOf(batches)).toEqual(readingsOf(rows));
});

test("runStreamer() divides a tick of more than 65,536 readings", async () => {
  const queue = openTestQueue();
  const rows = fleetRows({ gpus: 70_000, ticks: 1, metrics: 1 });
  await stream({}, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const batches = await batchesIn(queue);
  expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(70_000);
  expect(batches.length).toBeGreaterThan(1);
});

test("runStreamer() with BATCH_SIZE at full speed cuts batches of one GPU's ticks", async () => {
  const queue = openTestQueue();
  const rows = fleetRows({ gpus: 3, ticks: 40, metrics: 2 });
  await stream({ batchSize: 50 }, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const batches = await batchesIn(queue);
  for (const { readings } of batches) expect(readings).toBeLessThanOrEqual(50);
  expect(batches.length).toBe(5);
  expect(storedOf(batches)).toEqual(readingsOf(rows));
});

test("runStreamer() divides a batch that compresses too well for its decoder", async () => {
  const queue = openTestQueue();
  // Long, nearly equal names of pods: about 10 MB that compress to a few kilobytes.
  const rows = fleetRows({ gpus: 500, ticks: 1, metrics: 1 }).map((given) =>
    "skip" in given ? given : { ...given, pod: `${"x".repeat(20_000)}${given.gpu}` },
  );
  await stream({}, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const batches = await batchesIn(queue);
  expect(batches.length).toBeGreaterThan(1);
  expect(storedOf(batches)).toEqual(readingsOf(rows));
});

test("runStreamer() splits a batch that encodes to more than 1 MiB", async () => {
  const queue = openTestQueue();
  const start = Date.UTC(2025, 6, 18);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const rows: MemoryRow[] = Array.from({ length: 60_000 }, (_, index) => ({
    gpu: index % 4,
    metric: `DCGM_FI_DEV_${random()}${random()}`,
    at: start + index,
    value: random(),
  }));
  const queueBytes: number[] = [];
  const counting = {
    openProducer: queue.openProducer.bind(queue),
    publish: (...[batches, from]: Parameters<typeof queue.publish>) => {
      for (const { body } of batches) queueBytes.push(body.byteLength);
      return queue.publish(batches, from);
    },
  };
  await stream({}, { queue: counting, sources: new MemoryFiles({ "/data": rows }) });
  expect(Math.max(...queueBytes)).toBeLessThanOrEqual(1024 * 1024);
  const batches = await batchesIn(queue);
  let readings = 0;
  for (const batch of batches) forEachReading(batch, () => readings++);
  expect(readings).toBe(60_000);
  expect(batches.length).toBeGreaterThan(1);
});
