import { expect, test } from "bun:test";
import type { Batch } from "../../../schema/batch/batch.ts";
import { decodeBatch } from "../../../schema/batch/codec.ts";
import { unpackColumns } from "../../../schema/batch/columns.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { SeriesMeanings } from "../../../services/scraper/exposition/series-meanings.ts";
import { TargetSeries } from "../../../services/scraper/exposition/target-series.ts";
import { Recorder } from "../../../services/scraper/record/recorder.ts";
import { targetOf } from "../../../services/scraper/targets/target.ts";
import { Spool } from "../../../services/spool/spool.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const TEMP = "DCGM_FI_DEV_GPU_TEMP";
const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const line = (metric: string, value: number, time = "") =>
  `${metric}{gpu="0",UUID="GPU-5f000001-7a1c-4b2d-9e3f-0000000000f1"} ${value} ${time}\n`;

const clock = new ManualClock();
const AT = clock.now();
const made = targetOf("node-1:9400");
if (!made.ok) throw new Error(made.error);
const target = made.value;

async function openRecorder(folder: string) {
  const spool = await Spool.open({ folder, maxBytes: 1e6 });
  let isFull = false;
  const append = spool.append.bind(spool);
  spool.append = (body, readings) => (isFull ? Promise.resolve(null) : append(body, readings));
  const meanings = new SeriesMeanings(createLabelRules(DEFAULT_LABELS), { ignored: () => undefined });
  const series = new TargetSeries(target.labels, meanings, { maxSamples: 100, maxSeriesPerMetric: 10 });
  const states: unknown[] = [];
  let totals = {};
  const recorder = new Recorder({
    ...{ spool, clock, log: silentLogger },
    onTotals: (now) => {
      totals = { recorded: now.recorded, lost: now.lost };
    },
    onState: (dependency, problem) => states.push([dependency, problem]),
  });
  return {
    states,
    totals: () => totals,
    fill: (full: boolean) => {
      isFull = full;
    },
    async take(second: number, text: string | null) {
      const at = AT + second * 1000;
      const tick = text === null ? series.fail(at) : expected(series.take({ at, text, format: "text" }));
      await recorder.take({ target, tick, durationMs: 0, problem: text === null ? "away" : undefined });
    },
    async records(): Promise<string[][]> {
      return (await spool.read(1, 1e6)).map(({ body }) => linesOf(expected(decodeBatch(body))));
    },
    [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose](),
  };
}

function expected<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(String(result.error));
  return result.value;
}

/** `second metric value`, or `second metric stale`. */
function linesOf({ blocks, series }: Batch): string[] {
  const lines = blocks.flatMap((block) => {
    const { at, values, marks } = expected(unpackColumns(block.packed));
    const cells = block.series.flatMap((name, column) => [...at].map((time, tick) => ({ name, column, time, tick })));
    return cells.flatMap(({ name, column, time, tick }) => {
      const value = values[column]?.[tick] ?? Number.NaN;
      const isMark = marks.includes(column * at.length + tick);
      const shown = isMark ? "stale" : value;
      return isMark || !Number.isNaN(value) ? [`${(time - AT) / 1000} ${series[name]} ${shown}`] : [];
    });
  });
  return lines.sort();
}

test("a spool that was full ends each series where the lost scrapes began, in the next record", async () => {
  await using folder = await temporaryFolder();
  await using recorder = await openRecorder(folder.path);
  await recorder.take(0, line(TEMP, 40) + line(UTIL, 90));
  recorder.fill(true);
  for (const second of [15, 30, 45]) await recorder.take(second, line(TEMP, 41));
  expect(recorder.totals()).toEqual({ recorded: 2, lost: 4 });
  recorder.fill(false);
  await recorder.take(60, line(TEMP, 42));
  await recorder.take(75, line(TEMP, 43));
  expect(await recorder.records()).toEqual([
    [`0 ${TEMP} 40`, `0 ${UTIL} 90`],
    [`15 ${TEMP} stale`, `15 ${UTIL} stale`, `60 ${TEMP} 42`],
    [`75 ${TEMP} 43`],
  ]);
  expect(recorder.totals()).toEqual({ recorded: 6, lost: 4 });
  expect(recorder.states).toEqual([
    ["spool", "is full"],
    ["spool", null],
  ]);
});

test("a gap is recorded even if the target has no series any more, and not for series with times of their own", async () => {
  await using folder = await temporaryFolder();
  await using recorder = await openRecorder(folder.path);
  await recorder.take(0, line(TEMP, 40) + line(UTIL, 90, String(AT - 5000)));
  recorder.fill(true);
  await recorder.take(15, line(TEMP, 41) + line(UTIL, 90, String(AT + 10_000)));
  await recorder.take(30, null);
  recorder.fill(false);
  await recorder.take(45, null);
  expect((await recorder.records()).slice(1)).toEqual([[`15 ${TEMP} stale`]]);
});
