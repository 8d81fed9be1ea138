import { expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import type { ProducerQueue } from "../../../services/queue/port.ts";
import { openStreamerThread, type StreamerThread } from "../../../services/streamer/thread.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { CSV_HEADER, writeCsv } from "../../support/sources/csv-file.ts";
import { fleetRows, readingsOf } from "../../support/sources/memory-files.ts";
import { batchesIn, filesAt, openTestQueue, storedOf, streamerConfig } from "../../support/streamer/streamed.ts";
import { eventually } from "../../support/time/eventually.ts";

const rows = fleetRows({ gpus: 20, ticks: 30, metrics: 3 });

const runStreamerThread: StreamerThread["run"] = async (config, options) => {
  await using thread = openStreamerThread();
  return await thread.run(config, options);
};

const quiet = () => ({ log: silentLogger, signal: new AbortController().signal });

test("StreamerThread.run() streams a file, with log lines, metrics, progress and summary", async () => {
  await using folder = await temporaryFolder();
  const queue = openTestQueue(systemClock);
  const { log, lines } = keptLog();
  const metrics = createMetrics();
  const progress: number[] = [];
  const sources = filesAt(await writeCsv(folder.path, [...rows, { skip: "fields" }]));
  const summary = await runStreamerThread(streamerConfig({ sources }), {
    ...quiet(),
    ...{ queue, log, metrics },
    onProgress: ({ readings }) => progress.push(readings),
  });
  expect(summary).toMatchObject({ readings: 1800, gpus: 20, skipped: { fields: 1 }, failed: false, passes: 1 });
  expect(lines.map(({ message }) => message)).toEqual(["files found", "streaming", "row skipped", "pass complete"]);
  expect(progress.at(-1)).toBe(1800);
  expect(await metrics.render()).toContain("gpu_telemetry_streamer_readings_total 1800");
  expect(storedOf(await batchesIn(queue))).toEqual(readingsOf(rows));
});

test("StreamerThread.run() returns the summary so far when it is aborted, and the next run continues", async () => {
  await using folder = await temporaryFolder();
  const queue = openTestQueue(systemClock);
  const config = streamerConfig({ sources: filesAt(await writeCsv(folder.path, rows)), intervalMs: 1, batchSize: 12 });
  const controller = new AbortController();
  let published = 0;
  const stopping: ProducerQueue = {
    openProducer: queue.openProducer.bind(queue),
    publish: (...args) => {
      if (++published === 20) controller.abort();
      return queue.publish(...args);
    },
  };
  const first = await runStreamerThread(config, { ...quiet(), queue: stopping, signal: controller.signal });
  expect(first.readings).toBeGreaterThan(100);
  expect(first.readings).toBeLessThan(rows.length);
  await runStreamerThread({ ...config, intervalMs: 0 }, { ...quiet(), queue });
  const batches = await batchesIn(queue);
  expect(storedOf(batches)).toEqual(readingsOf(rows));
  expect(batches.reduce((sum, { readings }) => sum + readings, 0)).toBe(rows.length);
});

test("StreamerThread.run() returns at once for a signal that has already aborted", async () => {
  await using folder = await temporaryFolder();
  const config = streamerConfig({ sources: filesAt(await writeCsv(folder.path, rows)), loop: true });
  const summary = await runStreamerThread(config, {
    ...quiet(),
    queue: openTestQueue(systemClock),
    signal: AbortSignal.abort(),
  });
  expect(summary.passes).toBe(0);
});

test("StreamerThread.run() rejects a wrong header with AppError, showing the expected header and the one found", async () => {
  await using folder = await temporaryFolder();
  const config = streamerConfig({ sources: filesAt(await writeCsv(folder.path, rows, { header: "time,value" })) });
  const error = await runStreamerThread(config, { ...quiet(), queue: openTestQueue(systemClock) }).catch((e) => e);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: "invalid" });
  expect(error.message).toContain(CSV_HEADER);
  expect(error.message).toContain("time,value");
});

test("StreamerThread.run() reports when the queue is unavailable and when it is back", async () => {
  await using folder = await temporaryFolder();
  const queue = openTestQueue(systemClock);
  let calls = 0;
  const flaky: ProducerQueue = {
    openProducer: queue.openProducer.bind(queue),
    publish: (...args) =>
      ++calls <= 2 ? Promise.reject(new AppError("no route", { code: "unavailable" })) : queue.publish(...args),
  };
  const states: (string | null)[] = [];
  const metrics = createMetrics();
  const config = streamerConfig({ sources: filesAt(await writeCsv(folder.path, rows)) });
  await runStreamerThread(config, { ...quiet(), queue: flaky, metrics, onState: (state) => states.push(state) });
  const [unanswered, down] = ["queue is unavailable: has not answered yet", "queue is unavailable: no route"];
  expect(states).toEqual([unanswered, null, down, null]);
  expect(await metrics.render()).toContain('gpu_telemetry_streamer_waits_total{reason="unavailable"} 2');
});

test("StreamerThread.run() rejects with AppError internal if the thread fails", async () => {
  const config = { ...streamerConfig({}), sources: { ...filesAt(), paths: 7 as unknown as string[] } } as const;
  const outcome = runStreamerThread(config, { ...quiet(), queue: openTestQueue(systemClock) });
  expect(await outcome.catch((error) => error)).toMatchObject({ name: "AppError", code: "internal" });
});

test("StreamerThread.run() loops at a pace until it is aborted", async () => {
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const config = streamerConfig({
    sources: filesAt(await writeCsv(folder.path, rows.slice(0, 60))),
    loop: true,
    intervalMs: 1,
  });
  let readings = 0;
  const outcome = runStreamerThread(
    { ...config, times: "live" },
    {
      ...quiet(),
      queue: openTestQueue(systemClock),
      signal: controller.signal,
      onProgress: (progress) => {
        readings = progress.readings;
      },
    },
  );
  await eventually(() => readings > 180, { what: "three passes" });
  controller.abort();
  expect((await outcome).passes).toBeGreaterThanOrEqual(3);
});
