import { expect, test } from "bun:test";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { SeriesMeanings } from "../../../services/scraper/exposition/series-meanings.ts";
import { TargetSeries, type Tick } from "../../../services/scraper/exposition/target-series.ts";
import { addTick } from "../../../services/scraper/exposition/tick-batch.ts";

const AT = Date.UTC(2025, 6, 18, 20, 42, 34);
const UUID = "GPU-5f000001-7a1c-4b2d-9e3f-0000000000f1";
const line = (metric: string, value: string, labels = "") => `${metric}{gpu="0",UUID="${UUID}"${labels}} ${value}\n`;
const TEMP = "DCGM_FI_DEV_GPU_TEMP";
const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const XID = "DCGM_EXP_XID_ERRORS_COUNT";

const LABELS = new Map([["instance", "node-1:9400"]]);

function target({ maxSamples = 100, maxSeriesPerMetric = 512 } = {}) {
  const meanings = new SeriesMeanings(createLabelRules(DEFAULT_LABELS), { ignored: () => undefined });
  return new TargetSeries(LABELS, meanings, { maxSamples, maxSeriesPerMetric });
}

function take(series: TargetSeries, text: string, at = AT): Tick {
  const tick = series.take({ at, text, format: "text" });
  if (!tick.ok) throw new Error(tick.error);
  return tick.value;
}

/** Readings as `series value`, marks as `series stale`, in order of the series. */
const shownTick = (tick: Tick): string[] =>
  tick.meanings
    .map(({ series }, index) => `${series} ${Number.isNaN(tick.values[index]) ? "stale" : tick.values[index]}`)
    .sort();

test("all readings of a scrape have its time, and equal values are readings again", () => {
  const series = target();
  for (const at of [AT, AT + 15_000]) {
    const tick = take(series, line(TEMP, "41") + line(UTIL, "97"), at);
    expect(shownTick(tick)).toEqual([`${TEMP} 41`, `${UTIL} 97`]);
    expect(tick.times).toEqual([at, at]);
    expect(tick.meanings[0]?.facts.host).toBe("node-1");
  }
});

test("a series that vanishes gets one mark, at the time of the scrape that lacks it", () => {
  const series = target();
  take(series, line(TEMP, "41") + line(UTIL, "97"));
  expect(shownTick(take(series, line(TEMP, "41"), AT + 15_000))).toEqual([`${TEMP} 41`, `${UTIL} stale`]);
  expect(shownTick(take(series, line(TEMP, "41"), AT + 30_000))).toEqual([`${TEMP} 41`]);
  expect(series.size).toBe(1);
});

test("a failed scrape gives every series one mark, and the next scrape readings", () => {
  const series = target();
  take(series, line(TEMP, "41") + line(UTIL, "97"));
  expect(shownTick(series.fail(AT + 15_000))).toEqual([`${TEMP} stale`, `${UTIL} stale`]);
  expect(shownTick(series.fail(AT + 30_000))).toEqual([]);
  expect(shownTick(take(series, line(TEMP, "42"), AT + 45_000))).toEqual([`${TEMP} 42`]);
});

test("a series whose samples have times of their own keeps them, and gets no mark", () => {
  const series = target();
  expect(take(series, line(TEMP, `41 ${AT - 5000}`)).times).toEqual([AT - 5000]);
  expect(shownTick(take(series, "", AT + 15_000))).toEqual([]);
});

test("a blank gives neither a reading nor a mark", () => {
  const series = target();
  take(series, line(TEMP, "41"));
  const tick = take(series, line(TEMP, "9223372036854775794"), AT + 15_000);
  expect([shownTick(tick), tick.skips.get("blank")?.count]).toEqual([[], 1]);
});

test("samples without a reading are counted by reason, and the first one is named", () => {
  const old = line(UTIL, `5 ${Date.UTC(1999)}`);
  const tick = take(target(), `nonsense\nnonsense{a=\n${line(TEMP, "9000")}${old}up 1\n`);
  expect([...tick.skips].map(([reason, { count }]) => [reason, count])).toEqual([
    ["syntax", 2],
    ["implausible", 1],
    ["time", 1],
    ["other_device", 1],
  ]);
  expect(tick.skips.get("syntax")?.detail).toStartWith("line 1: line must be a sample");
  expect(tick.samples).toBe(3);
});

test("a body with too many samples or without its end is refused, and adds no series", () => {
  const series = target({ maxSamples: 2 });
  take(series, line(TEMP, "41"));
  const many = [0, 1, 2].map((link) => line(`DCGM_FI_X${link}`, "1")).join("");
  const tooMany = series.take({ at: AT + 1, text: many, format: "text" });
  expect(tooMany).toEqual({ ok: false, error: "body must have at most 2 samples (SCRAPE_MAX_SAMPLES), got 3" });
  const cut = series.take({ at: AT + 2, text: line(UTIL, "97"), format: "openmetrics" });
  expect(cut.ok).toBe(false);
  expect(shownTick(series.fail(AT + 3))).toEqual([`${TEMP} stale`]);
});

test("addTick() makes a batch in which a pod's end is a mark of its series, and a new pod its reading", () => {
  const series = target();
  const builder = createBatchBuilder(2);
  const pod = (name: string) => `,pod="${name}",namespace="ml"`;
  take(series, line(UTIL, "97", pod("old")) + line(TEMP, "41", pod("old")));
  addTick(builder, take(series, line(UTIL, "5", pod("new")), AT + 15_000));
  const batch = builder.take({ producer: "p", epoch: 1, seq: 1 });
  expect({ readings: batch.readings, marks: batch.marks, firstAt: batch.firstAt }).toEqual({
    readings: 1,
    marks: 1,
    firstAt: AT + 15_000,
  });
});

test("series of one metric and GPU have a bound, which names the label that exceeds it", () => {
  const series = target({ maxSeriesPerMetric: 2 });
  const errors = (...xids: number[]) =>
    xids.map((xid) => line(XID, "1", `,xid="${xid}",window_size_in_ms="5"`)).join("");
  const first = take(series, line(TEMP, "41") + errors(1, 2, 3, 4));
  expect(shownTick(first)).toHaveLength(3);
  expect(first.skips.get("cardinality")).toEqual({
    count: 2,
    detail: `line 4: series of ${XID} on ${UUID} must be at most 2 (MAX_SERIES_PER_METRIC), got more by label xid`,
  });
  // The other GPU has a bound of its own, and so has each scrape.
  const other = errors(1, 2).replaceAll("00f1", "00f2");
  const second = take(series, errors(5, 6) + other, AT + 15_000);
  expect(second.skips.size).toBe(0);
  expect(second.values.filter(Number.isNaN)).toHaveLength(3);
});

test("a series that loses its place to others ends with one mark, and begins again once it has one", () => {
  const series = target({ maxSeriesPerMetric: 1 });
  const one = line(XID, "1", ',xid="1"');
  const two = line(XID, "2", ',xid="2"');
  expect(shownTick(take(series, one))).toEqual([`${XID}{xid="1"} 1`]);
  expect(shownTick(take(series, two + one, AT + 1))).toEqual([`${XID}{xid="1"} stale`, `${XID}{xid="2"} 2`]);
  expect(shownTick(take(series, two + one, AT + 2))).toEqual([`${XID}{xid="2"} 2`]);
  expect(shownTick(take(series, one + two, AT + 3))).toEqual([`${XID}{xid="1"} 1`, `${XID}{xid="2"} stale`]);
  expect(shownTick(take(series, "", AT + 4))).toEqual([`${XID}{xid="1"} stale`]);
});

test("a GPU whose uuid is zeros is none", () => {
  const tick = take(target(), line(TEMP, "41").replace(UUID, "GPU-00000000-0000-0000-0000-000000000000"));
  expect([tick.values, [...tick.skips.keys()]]).toEqual([[], ["uuid"]]);
});
