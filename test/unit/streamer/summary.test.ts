import { expect, test } from "bun:test";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { logSkips } from "../../../services/streamer/log-skips.ts";
import type { StreamerSummary } from "../../../services/streamer/progress/summary.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { fleetRows, MemoryFiles, type MemoryRow } from "../../support/sources/memory-files.ts";
import { openTestQueue, stream } from "../../support/streamer/streamed.ts";
import { InstantClock } from "../../support/time/instant-clock.ts";

const rows = fleetRows({ gpus: 6, ticks: 10, metrics: 2 });
const others = fleetRows({ gpus: 3, ticks: 4, metrics: 5 });
const paced = { intervalMs: 100, batchSize: 4 };

test("runStreamer() returns what it has read, sent, skipped and merged", async () => {
  const bad: MemoryRow[] = [{ skip: "time" }, { skip: "value" }, { skip: "time" }];
  const twice = [rows[0], { ...rows[1], value: 9999 }] as MemoryRow[];
  const metrics = createMetrics();
  const files = new MemoryFiles({ "/data": [...rows.slice(0, 12), ...twice, ...bad, ...rows.slice(12)] });
  const summary = await stream({}, { sources: files, metrics });
  expect(summary).toEqual({
    rows: 125,
    readings: 120,
    batches: 1,
    bytes: summary.bytes,
    skipped: { time: 2, value: 1 },
    merged: { same: 1, differing: 1 },
    waits: {},
    ignoredLabels: 0,
    gpus: 6,
    metrics: ["DCGM_FI_DEV_TEST_0", "DCGM_FI_DEV_TEST_1"],
    firstAt: Date.UTC(2025, 6, 18, 20, 42, 34),
    lastAt: Date.UTC(2025, 6, 18, 20, 42, 43),
    sources: [{ name: "/data", bytes: 12_600, problem: null, resumed: false }],
    skipExamples: [
      { source: "/data", reason: "time", line: 16, detail: "row 16 is bad" },
      { source: "/data", reason: "value", line: 17, detail: "row 17 is bad" },
      { source: "/data", reason: "time", line: 18, detail: "row 18 is bad" },
    ],
    differingExamples: [
      {
        gpu: "GPU-5fd4f087-86f3-7a43-b711-000000000001" as GpuUuid,
        series: "DCGM_FI_DEV_TEST_0" as Series,
        at: Date.UTC(2025, 6, 18, 20, 42, 34),
        values: [1, 9999],
      },
    ],
    unreadable: false,
    failed: false,
    alreadyComplete: false,
    passes: 1,
  });
  const text = await metrics.render();
  expect(text).toContain("gpu_telemetry_streamer_readings_total 120");
  expect(text).toContain('gpu_telemetry_streamer_rows_skipped_total{reason="time"} 2');
});

test("runStreamer() logs the first skipped rows of a reason, then fewer and fewer", async () => {
  const { log, lines } = keptLog();
  const bad = Array.from({ length: 250 }, (): MemoryRow => ({ skip: "uuid" }));
  await stream({}, { sources: new MemoryFiles({ "/data": [...bad, ...rows] }), log });
  const skips = lines.filter(({ message }) => message === "row skipped");
  expect(skips.map(({ fields }) => fields.line)).toEqual([2, 3, 4, 5, 6, 11, 101]);
  expect(skips[0]?.fields).toMatchObject({ source: "/data", reason: "uuid", detail: "row 2 is bad" });
});

test("runStreamer() keeps the earliest differing rows of three series at most", async () => {
  const raised = (list: readonly MemoryRow[], by: number) =>
    list.flatMap((row) => ("gpu" in row && row.gpu === 0 ? [{ ...row, value: row.value + by }] : []));
  const differing = raised(rows, 0.5).toReversed();
  const more = raised(others, 0.25);
  const files = new MemoryFiles({ "/data": [...rows, ...others, ...differing, ...more] });
  const { differingExamples, merged } = await stream({}, { sources: files });
  expect(merged.differing).toBeGreaterThan(20);
  expect(differingExamples.map(({ series, at }) => [series, at] as const).sort()).toEqual(
    [0, 1, 2].map((metric) => [`DCGM_FI_DEV_TEST_${metric}` as Series, Date.UTC(2025, 6, 18, 20, 42, 34)]),
  );
});

test("runStreamer() ends a loop after a first pass in which no row was readable", async () => {
  const bad = new MemoryFiles({ "/data": [{ skip: "time" }, { skip: "time" }] });
  const passes: boolean[] = [];
  const onFirstPass = ({ unreadable }: StreamerSummary) => passes.push(unreadable);
  expect(await stream({ loop: true }, { sources: bad, onFirstPass })).toMatchObject({ unreadable: true, passes: 1 });
  expect(passes).toEqual([true]);
});

test("runStreamer() of one shard does not call a source unreadable whose readings belong to other shards", async () => {
  const files = new MemoryFiles({ "/data": [{ skip: "time" }] });
  expect(await stream({ shards: 2 }, { sources: files })).toMatchObject({ unreadable: false, skipped: { time: 1 } });
});

test("runStreamer() does not call a source unreadable that only grew by bad rows", async () => {
  const queue = openTestQueue();
  await stream({}, { queue, sources: new MemoryFiles({ "/data": rows }) });
  const grown = new MemoryFiles({ "/data": [...rows, { skip: "time" }] });
  expect(await stream({}, { queue, sources: grown })).toMatchObject({ unreadable: false, readings: 0 });
});

test.each([
  { name: "an error for lost readings", reason: "time" as const, kept: rows, level: "error", also: 0 },
  { name: "information for rows without a measurement", reason: "blank" as const, kept: rows, level: "info", also: 0 },
  {
    name: "an error if nothing was readable",
    reason: "blank" as const,
    kept: [],
    level: "error",
    also: 1,
  },
])("logSkips() logs $name", async ({ reason, kept, level, also }) => {
  const { log, lines } = keptLog();
  const files = new MemoryFiles({ "/data": [...kept, ...Array.from({ length: 5 }, () => ({ skip: reason }))] });
  logSkips(await stream({}, { sources: files }), { log });
  expect(lines[0]).toMatchObject({ method: level, message: "rows skipped", fields: { reason, rows: 5 } });
  expect(lines[0]?.fields.examples).toHaveLength(3);
  expect(lines[0]?.fields.mend).not.toBe("");
  expect(lines.filter(({ message }) => message === "no row could be read")).toHaveLength(also);
});

test("runStreamer() logs first how much it streams, and at what pace", async () => {
  const { log, lines } = keptLog();
  await stream({}, { sources: new MemoryFiles({ "/data/a": rows, "/data/b": others }), log });
  expect(lines[0]).toMatchObject({ message: "streaming", fields: { count: 2, bytes: 18_200, intervalMs: 0 } });
});

test.each([
  { intervalMs: 0, says: 0 },
  { intervalMs: 100, says: 1 },
])(
  "runStreamer() with a pause of $intervalMs ms logs $says times that the replay is paced",
  async ({ intervalMs, says }) => {
    const { log, lines } = keptLog();
    await stream({ intervalMs }, { sources: new MemoryFiles({ "/data/a": rows }), log });
    expect(lines.filter(({ message }) => message === "replay is paced")).toHaveLength(says);
  },
);

test("runStreamer() reports its progress over all sources", async () => {
  const seen: number[] = [];
  const files = new MemoryFiles({ "/data/a": rows, "/data/b": others });
  const onProgress = ({ bytesRead, bytesTotal }: { bytesRead: number; bytesTotal: number }) => {
    expect(bytesTotal).toBe(18_200);
    seen.push(bytesRead);
  };
  await stream(paced, { sources: files, onProgress });
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-1)).toBe(18_200);
});

test("runStreamer() sends nothing of sources sent before, and reports them as complete", async () => {
  const queue = openTestQueue();
  const files = new MemoryFiles({ "/data/a": rows, "/data/b": others });
  expect(await stream({}, { queue, sources: files })).toMatchObject({ alreadyComplete: false, batches: 2 });
  expect(await stream({}, { queue, sources: files })).toMatchObject({
    alreadyComplete: true,
    batches: 0,
    rows: 0,
    passes: 1,
  });
});

test("runStreamer() pauses after each batch", async () => {
  const clock = new InstantClock();
  const summary = await stream(
    { intervalMs: 250, batchSize: 4 },
    { clock, sources: new MemoryFiles({ "/data": rows }) },
  );
  expect(summary.batches).toBe(30);
  expect(clock.slept).toEqual(Array.from({ length: 30 }, () => 250));
});
