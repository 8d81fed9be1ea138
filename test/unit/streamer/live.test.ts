import { expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { fleetRows, MemoryFiles } from "../../support/sources/memory-files.ts";
import { batchesIn, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 5, metrics: 2 });
const files = new MemoryFiles({ "/data": rows });

const timesOf = (batch: Batch): number[] => {
  const times = new Set<number>();
  forEachReading(batch, (_gpu, _series, at) => times.add(at));
  return [...times].sort((a, b) => a - b);
};

test("runStreamer() with live times gives all batches of a tick the moment at which it is sent", async () => {
  const clock = new InstantClock(1_000_000_000_000);
  const queue = openTestQueue(clock);
  await stream({ times: "live", intervalMs: 100, batchSize: 4 }, { queue, sources: files, clock });
  const batches = await batchesIn(queue);
  // A tick is three batches of four readings.
  expect(batches.map(timesOf)).toEqual(
    Array.from({ length: 15 }, (_, index) => [1_000_000_000_000 + Math.floor(index / 3) * 300]),
  );
  expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
});

test("runStreamer() with live times gives every tick of every pass a later time, even at full speed", async () => {
  const clock = new InstantClock();
  const queue = openTestQueue(clock);
  const start = clock.now();
  await stream({ times: "live", loop: true }, { queue, sources: files, clock, stopAfter: 300 });
  const batches = await batchesIn(queue);
  const times = batches.flatMap(timesOf);
  expect(times.length).toBe(batches.length * 5);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  // The clock moves only while the streamer waits, so 1,500 ticks run ahead of it, by at most a second.
  expect((times.at(-1) ?? 0) - clock.now()).toBeLessThanOrEqual(1005);
  expect(clock.now()).toBeGreaterThan(start);
});

test("runStreamer() with live times continues with later times after a restart, even if the clock went back", async () => {
  const queue = openTestQueue();
  const config = { times: "live", intervalMs: 100, batchSize: 4 } as const;
  await stream(config, { queue, sources: files, clock: new InstantClock(1_000_000_500_000), stopAfter: 4 });
  const before = await batchesIn(queue);
  await stream(config, { queue, sources: files, clock: new InstantClock(1_000_000_000_000) });
  const after = await batchesIn(queue);
  expect(Math.min(...after.flatMap(timesOf))).toBeGreaterThan(Math.max(...before.flatMap(timesOf)));
  expect([...before, ...after].reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
});

test("runStreamer() with the source's times sends a source already sent with live times", async () => {
  const queue = openTestQueue();
  await stream({ times: "live" }, { queue, sources: files });
  await batchesIn(queue);
  await stream({ times: "source" }, { queue, sources: files });
  expect(storedOf(await batchesIn(queue)).length).toBe(rows.length);
});
