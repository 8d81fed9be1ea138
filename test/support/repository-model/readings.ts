/** Readings of one GPU in the model: all its buckets merged, then filtered, sorted and cut. */
import type { Batch, Block } from "../../../schema/batch/batch.ts";
import { BlockEvidence } from "../../../schema/batch/block-evidence.ts";
import { unpackColumns } from "../../../schema/batch/columns.ts";
import { trackOf } from "../../../schema/batch/evidence.ts";
import { type HolderSet, holderSetOf, NOBODY } from "../../../schema/model/holder.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { ColumnsQuery, SeriesColumn } from "../../../services/repository/columns.ts";
import type { ReadingPage, ReadingQuery } from "../../../services/repository/port.ts";

export interface Bucket {
  /** Time of its last reading, ms. */
  readonly to: number;
  readonly readings: readonly StoredReading[];
  /** Stale marks. */
  readonly marks: readonly Mark[];
}

type Mark = Pick<Reading, "series" | "at">;

interface StoredReading extends Reading {
  /** The holders that its rows named. */
  readonly holders: HolderSet;
}

export function bucketOf(block: Block, batch: Batch): Bucket {
  const { gpu, to, series: columns, packed } = block;
  const names = batch.series;
  const unpacked = unpackColumns(packed);
  if (!unpacked.ok) throw new Error(unpacked.error);
  const { at: times, values, marks: cells } = unpacked.value;
  const marks = cells.map((cell): Mark => {
    const name = names[columns[Math.floor(cell / times.length)] as number];
    return { series: name as Series, at: times[cell % times.length] as number };
  });
  const evidence = new BlockEvidence(batch).of(block, () => times);
  const readings: StoredReading[] = [];
  for (const [column, name] of columns.entries()) {
    for (const [tick, at] of times.entries()) {
      const value = values[column]?.[tick] as number;
      if (Number.isNaN(value)) continue;
      const set = evidence && trackOf(evidence, column).findLast((run) => run.tick <= tick)?.set;
      const holders = (set && evidence.sets[set - 1]) || NOBODY;
      readings.push({ gpu, series: names[name] as Series, at, value, holders });
    }
  }
  return { to, readings, marks };
}

const bySeries = (a: { readonly series: Series }, b: { readonly series: Series }): number =>
  a.series < b.series ? -1 : a.series > b.series ? 1 : 0;

/** One reading per series and time: of rows without a holder if there are any, and of several values the largest. */
function merge(readings: readonly StoredReading[], onDiffering: () => void): StoredReading[] {
  return [...Map.groupBy(readings, ({ at, series }) => `${at} ${series}`).values()].map((rivals) => {
    const [first] = rivals as [StoredReading, ...StoredReading[]];
    for (const { value } of rivals) if (value !== first.value) onDiffering();
    const free = rivals.filter(({ holders }) => holders.length === 0);
    const holders = free.length > 0 ? NOBODY : holderSetOf(rivals.flatMap((rival) => rival.holders));
    const value = Math.max(...(free.length > 0 ? free : rivals).map((rival) => rival.value));
    return { gpu: first.gpu, series: first.series, at: first.at, value, holders };
  });
}

const withoutHolders = ({ holders: _, ...reading }: StoredReading): Reading => reading;

const ofMetrics = (metrics: readonly string[] | undefined) => (reading: Reading) =>
  metrics === undefined || metrics.includes(metricOf(reading.series));

export function pageOfReadings(
  buckets: readonly Bucket[],
  { from, to }: Window,
  { metrics, limit, order = "newest", after, withHolders = false }: ReadingQuery,
  onDiffering: () => void,
): ReadingPage {
  const direction = order === "newest" ? -1 : 1;
  const inOrder = (a: Pick<Reading, "at" | "series">, b: Pick<Reading, "at" | "series">) =>
    direction * (a.at - b.at) || bySeries(a, b);
  const asked = buckets
    .flatMap(({ readings }) => readings)
    .filter(({ at }) => at >= from && at < to)
    .filter(ofMetrics(metrics));
  const rest = merge(asked, onDiffering)
    .filter((reading) => after === undefined || inOrder(reading, after) > 0)
    .sort(inOrder);
  const readings = rest.slice(0, limit).map((reading) => (withHolders ? reading : withoutHolders(reading)));
  const last = readings.at(-1);
  return { readings, next: last && rest.length > limit ? { at: last.at, series: last.series } : null };
}

/** The columns of one GPU by series: its merged readings, and the marks at times without one. */
export function columnsOf(
  buckets: readonly Bucket[],
  { metrics, window: { from, to } }: ColumnsQuery,
  onDiffering: () => void,
): SeriesColumn[] {
  const isAsked = ({ series, at }: Mark) => at >= from && at < to && metrics.includes(metricOf(series));
  const readings = merge(
    buckets.flatMap((bucket) => bucket.readings.filter(isAsked)),
    onDiffering,
  );
  const marks = buckets.flatMap((bucket) => bucket.marks.filter(isAsked));
  const names = [...new Set([...readings, ...marks].map(({ series }) => series))].sort();
  return names
    .map((series) => {
      const own = readings.filter((reading) => reading.series === series).sort((a, b) => a.at - b.at);
      const times = new Set(own.map(({ at }) => at));
      const ended = new Set(marks.filter((mark) => mark.series === series && !times.has(mark.at)).map(({ at }) => at));
      return {
        series,
        at: Float64Array.from(own, ({ at }) => at),
        values: Float64Array.from(own, ({ value }) => value),
        marks: Float64Array.from(ended).sort(),
      };
    })
    .filter(({ at, marks: ended }) => at.length + ended.length > 0);
}

/** The newest reading of each series up to `last`, in ascending order of series. */
export function latestOf(
  buckets: readonly Bucket[],
  metrics: readonly string[] | undefined,
  last: number,
): readonly Reading[] {
  const asked = buckets
    .flatMap(({ readings }) => readings)
    .filter(ofMetrics(metrics))
    .filter(({ at }) => at <= last);
  const newest = new Map<Series, StoredReading>();
  for (const reading of merge(asked, () => {}).sort((a, b) => a.at - b.at)) newest.set(reading.series, reading);
  return [...newest.values()].map(withoutHolders).sort(bySeries);
}
