import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import type { ProducerQueue } from "../../../services/queue/port.ts";
import type { StreamerSummary } from "../../../services/streamer/progress/summary.ts";
import { parsePosition, type StreamPosition } from "../../../services/streamer/send/position.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { csvText, rowLine } from "../../support/sources/dcgm-file.ts";
import { batchesIn, filesAt, openTestQueue, stream } from "../../support/streamer/streamed.ts";

// Random files, each written and streamed twice.
setDefaultTimeout(120_000);

const START = Date.UTC(2025, 6, 18, 20, 42, 34);
const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const seed = Date.now() % 2 ** 31;
console.log(`streamer-implausible seed ${seed}`);

interface Row {
  readonly metric: string;
  readonly tick: number;
  readonly value: string;
  /** False writes a line that only csv-parse can read. */
  readonly isCanonical?: boolean;
}

function lineOf({ metric, tick, value, isCanonical = true }: Row): string {
  return rowLine(tick % 2, {
    timestamp: new Date(START + tick * 1000).toISOString(),
    metric_name: metric,
    value,
    ...(isCanonical ? {} : { modelName: 'a"b' }),
  });
}

interface Outcome {
  readonly values: string[];
  readonly summary: StreamerSummary;
  readonly positions: readonly Omit<StreamPosition, "head" | "length">[];
  readonly batches: readonly Batch[];
}

async function streamed(rows: readonly Row[], manner: Parameters<typeof stream>[0] = {}): Promise<Outcome> {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/some.csv`;
  await Bun.write(path, csvText(...rows.map(lineOf)));
  const queue = openTestQueue();
  const positions: Outcome["positions"][number][] = [];
  const watched: ProducerQueue = {
    openProducer: (...given) => queue.openProducer(...given),
    publish(outgoing, from) {
      for (const { position } of outgoing) {
        const { head: _, length: __, ...mark } = parsePosition(position) as StreamPosition;
        positions.push(mark);
      }
      return queue.publish(outgoing, from);
    },
  };
  const summary = await stream({ ...manner, sources: filesAt(path) }, { queue: watched });
  const batches = await batchesIn(queue);
  const values: string[] = [];
  for (const batch of batches) {
    forEachReading(batch, (_, series, at, value) => values.push(`${series} ${(at - START) / 1000} ${value}`));
  }
  return { values: values.sort(), summary, positions, batches };
}

const variants: [name: string, rows: readonly [metric: string, value: string, isKept: boolean][]][] = [
  [
    "utilisation of an idle card",
    [
      [UTIL, "12", true],
      [UTIL, "808334905", false],
      [UTIL, "4294967295", false],
      [UTIL, "2619", false],
      [UTIL, "0", true],
      [UTIL, "-1", false],
      [UTIL, "100", true],
      ["DCGM_FI_DEV_GPU_TEMP", "41", true],
      ["DCGM_FI_DEV_GPU_TEMP", "4294967293", false],
      ["DCGM_FI_DEV_GPU_TEMP", "42", true],
      ["DCGM_FI_PROF_SM_ACTIVE", "0.97", true],
      ["DCGM_FI_PROF_SM_ACTIVE", "1.02", true],
    ],
  ],
  [
    "power and memory with a sign that was lost",
    [
      ["DCGM_FI_DEV_POWER_USAGE", "310.5", true],
      ["DCGM_FI_DEV_POWER_USAGE", "4294967.295", false],
      ["DCGM_FI_DEV_FB_USED", "11264", true],
      ["DCGM_FI_DEV_FB_USED", "4294967294", false],
      ["DCGM_FI_DEV_FAN_SPEED", "104", true],
      ["DCGM_FI_DEV_PSTATE", "32", false],
    ],
  ],
  [
    "new names of fields, and metrics outside the catalogue",
    [
      ["DCGM_FI_DEV_GPU_UTIL_RATIO", "101", false],
      ["DCGM_FI_DEV_GPU_UTIL_RATIO", "99", true],
      ["DCGM_FI_DEV_GPU_TEMP_MARGIN_CELSIUS", "-4", true],
      ["DCGM_FI_DEV_XID_ERROR", "4294967295", false],
      ["DCGM_FI_DEV_PCIE_REPLAY_TOTAL", "-1", false],
      ["DCGM_FI_DEV_PCIE_REPLAY_TOTAL", "4294967295", true],
      ["some_metric", "-4294967295", true],
    ],
  ],
];

test.each(variants)("runStreamer() refuses values that cannot be: %s", async (_, given) => {
  for (const isCanonical of [true, false]) {
    const rows = given.map(([metric, value], tick) => ({ metric, tick, value, isCanonical }));
    const { values, summary } = await streamed(rows);
    const kept = given.flatMap(([, value, isKept], tick) => (isKept ? [`${tick} ${value}`] : []));
    expect(values.map((text) => text.slice(text.indexOf(" ") + 1)).sort()).toEqual(kept.sort());
    const refused = given.flatMap(([, , isKept], tick) => (isKept ? [] : [tick + 2]));
    expect(summary.skipped).toEqual({ implausible: refused.length });
    expect(summary.rows).toBe(given.length);
    expect(summary.skipExamples.map(({ line }) => line)).toEqual(refused.slice(0, 3));
  }
});

test("runStreamer() names metric, range and value of a refused row", async () => {
  const { summary } = await streamed([{ metric: UTIL, tick: 0, value: "2619" }]);
  expect(summary.skipExamples).toMatchObject([
    { reason: "implausible", line: 2, detail: "value of DCGM_FI_DEV_GPU_UTIL must be from 0 to 100, got 2619" },
  ]);
  expect(summary.batches).toBe(0);
});

const row = fc.record({
  metric: fc.constantFrom(UTIL, "DCGM_FI_DEV_GPU_TEMP", "some_metric"),
  tick: fc.nat({ max: 5 }),
  value: fc.constantFrom("-1", "50", "2619", "99.5", "1e3"),
});

test("runStreamer() refuses the same rows of canonical lines and of others", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
      const ordered = rows.sort((a, b) => a.tick - b.tick);
      const fast = await streamed(ordered);
      const slow = await streamed(ordered.map((given) => ({ ...given, isCanonical: false })));
      const { values, summary } = fast;
      expect([slow.values, slow.summary.skipped, slow.summary.skipExamples.map(({ line }) => line)]).toEqual([
        values,
        summary.skipped,
        summary.skipExamples.map(({ line }) => line),
      ]);
      const impossible = ordered.filter(
        ({ metric, value }) =>
          (metric === UTIL && (Number(value) < 0 || Number(value) > 100)) ||
          (metric === "DCGM_FI_DEV_GPU_TEMP" && Number(value) > 150),
      );
      expect(summary.skipped.implausible ?? 0).toBe(impossible.length);
    }),
    { numRuns: 60, seed },
  );
});

test("a refused row counts in positions like any other, so that those of earlier releases mean the same", async () => {
  for (const manner of [{ intervalMs: 100, batchSize: 2 }, { batchSize: 3 }, {}]) {
    const rows = Array.from({ length: 24 }, (_, index) => ({
      metric: UTIL,
      tick: index >> 2,
      value: index % 3 === 0 ? "-1" : "99",
    }));
    // The same number of bytes in each line.
    const asBefore = rows.map((given) => ({ ...given, value: given.value === "-1" ? "98" : "99" }));
    const refusing = await streamed(rows, manner);
    const earlier = await streamed(asBefore, manner);
    expect(earlier.positions).toEqual(expect.arrayContaining([...refusing.positions]));
    expect(refusing.summary.skipped).toEqual({ implausible: 8 });
  }
});
