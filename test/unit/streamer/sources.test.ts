import { expect, test } from "bun:test";
import type { ProducerQueue } from "../../../services/queue/port.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { fleetRows, MemoryFiles, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, bucketsOf, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const others = fleetRows({ gpus: 3, ticks: 4, metrics: 5 });
const paced = { intervalMs: 100, batchSize: 4 };

test("runStreamer() sends the rows a source has gained, even in the middle of a tick already sent in part", async () => {
  for (const stopAfter of [1, 2, 7, 1000]) {
    const queue = openTestQueue();
    // The source ends in the middle of a tick: its second metric is not written yet.
    const written = rows.slice(0, 4 * 12 + 6);
    await stream(paced, { queue, sources: new MemoryFiles({ "/data": written }), stopAfter });
    const summary = await stream(paced, { queue, sources: new MemoryFiles({ "/data": rows }) });
    expect(summary.sources[0]?.resumed).toBe(true);
    const batches = await batchesIn(queue);
    expect(storedOf(batches)).toEqual(readingsOf(rows));
    expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
  }
});

test("runStreamer() sends what is left of a source that was cut back inside a tick already sent in part", async () => {
  const queue = openTestQueue();
  // Larger than the fingerprint covers. A tick is three batches of two GPUs.
  const long = fleetRows({ gpus: 6, ticks: 60, metrics: 2 });
  await stream(paced, { queue, sources: new MemoryFiles({ "/data": long }), stopAfter: 59 * 3 + 1 });
  // Two GPUs' readings of the last tick have been sent; one reading of each of the other four is left.
  const left = long.slice(0, -6);
  await stream(paced, { queue, sources: new MemoryFiles({ "/data": left }) });
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf([...left, ...long.slice(-6, -4)]));
});

test("runStreamer() starts over in a source whose beginning has changed, and continues its batch numbers", async () => {
  const queue = openTestQueue();
  const { log, lines } = keptLog();
  await stream({}, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const changed = rows.map((row) => ("skip" in row ? row : { ...row, value: row.value + 1 }));
  await stream({}, { queue, sources: new MemoryFiles({ "/data": changed }), log });
  expect(lines.some(({ message }) => message === "content has changed, starting over")).toBe(true);
  const batches = await batchesIn(queue);
  expect(batches.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(storedOf(batches)).toEqual(readingsOf(changed));
});

test("runStreamer() sends a new source whatever its name", async () => {
  const queue = openTestQueue();
  await stream({}, { queue, sources: new MemoryFiles({ "/data/b": rows }) });
  await stream({}, { queue, sources: new MemoryFiles({ "/data/a": others, "/data/b": rows }) });
  const batches = await batchesIn(queue);
  expect(storedOf(batches)).toEqual(readingsOf([...rows, ...others]));
  expect(batches.map(({ producer }) => producer)).toEqual(["/data/b@0/1", "/data/a@0/1"]);
});

test("runStreamer() rejects an unreadable only source, and having no source", async () => {
  const files = new MemoryFiles({ "/data": rows });
  files.unreadable.add("/data");
  expect(await stream({}, { sources: files }).catch((error) => error)).toMatchObject({ code: "invalid" });
  const nothing = new MemoryFiles({});
  expect(await stream({}, { sources: nothing }).catch((error) => error)).toMatchObject({ code: "not_found" });
});

test("runStreamer() leaves out one unreadable source of several and reports it", async () => {
  const queue = openTestQueue();
  const { log, lines } = keptLog();
  const files = new MemoryFiles({ "/data/a": rows, "/data/b": [], "/data/c": others });
  files.unreadable.add("/data/b");
  const summary = await stream({}, { queue, sources: files, log });
  expect(summary.failed).toBe(true);
  expect(summary.sources.map(({ problem }) => problem)).toEqual([null, "Cannot read /data/b: expected a header", null]);
  expect(lines.filter(({ method }) => method === "error").length).toBe(1);
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf([...rows, ...others]));
});

test("runStreamer() sends what it read of a source that fails halfway", async () => {
  for (const how of [paced, {}]) {
    const queue = openTestQueue();
    const files = new MemoryFiles({ "/data": rows });
    files.broken.set("/data", 50);
    const summary = await stream(how, { queue, sources: files });
    expect(summary).toMatchObject({ failed: true, readings: 50 });
    expect(summary.sources[0]?.problem).toContain("cut short");
    files.broken.clear();
    await stream(how, { queue, sources: files });
    const batches = await batchesIn(queue);
    expect(storedOf(batches)).toEqual(readingsOf(rows));
    expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
  }
});

test("runStreamer() throws an error of a source that is not an AppError", async () => {
  const files = new MemoryFiles({ "/data": rows });
  files.failAt = () => {
    throw new TypeError("a defect");
  };
  expect(await stream({}, { sources: files }).catch((error) => error)).toBeInstanceOf(TypeError);
});

test("runStreamer() looping continues in the same pass after an abort", async () => {
  const queue = openTestQueue();
  const files = new MemoryFiles({ "/data/a": rows, "/data/b": others });
  const looped = { ...paced, loop: true, times: "source" } as const;
  let passes = 0;
  for (const stopAfter of [5, 3, 60, 1, 45])
    passes += (await stream(looped, { queue, sources: files, stopAfter })).passes;
  expect(passes).toBeGreaterThan(1);
  const batches = await batchesIn(queue);
  const [first, second] = ["/data/a@0/1", "/data/b@0/1"].map((name) =>
    batches.filter(({ producer }) => producer === name),
  );
  for (const [ofFile, given] of [
    [first ?? [], rows],
    [second ?? [], others],
  ] as const) {
    // Every pass repeats the same batches: none missing, none twice.
    const whole = openTestQueue();
    await stream(paced, { queue: whole, sources: new MemoryFiles({ "/data": [...given] }) });
    const once = (await batchesIn(whole)).map(bucketsOf);
    for (const [index, batch] of ofFile.entries()) expect(bucketsOf(batch)).toEqual(once[index % once.length] ?? []);
  }
});

test("runStreamer() looping finds new sources and survives missing ones", async () => {
  const queue = openTestQueue();
  const clock = new InstantClock();
  const files = new MemoryFiles({ "/data/a": rows });
  const seen = new Set<string>();
  let publishes = 0;
  const watched: ProducerQueue = {
    openProducer: queue.openProducer.bind(queue),
    publish: async (batches, from) => {
      seen.add(from.producer);
      publishes += batches.length;
      if (publishes === 50) files.contents.set("/data/b", [...others]);
      if (publishes === 150) files.contents.delete("/data/b");
      if (publishes === 250) files.contents.clear();
      if (publishes === 300) throw new Error("should have ended");
      return queue.publish(batches, from);
    },
  };
  const controller = new AbortController();
  const outcome = stream(
    { ...paced, loop: true },
    { queue: watched, sources: files, clock, signal: controller.signal },
  );
  await eventually(() => clock.slept.filter((ms) => ms === 1000).length > 3, {
    what: "pauses after passes that sent nothing",
  });
  controller.abort();
  expect((await outcome).failed).toBe(true);
  expect([...seen]).toEqual(["/data/a@0/1", "/data/b@0/1"]);
});
