/** Readings of one GPU in the model: all its buckets merged, then filtered, sorted and cut. */
import type { Block } from "../../../schema/batch/batch.ts";
import { unpackColumns } from "../../../schema/batch/columns.ts";
import type { Reading, Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { Window } from "../../../schema/model/window.ts";
import type { ReadingPage, ReadingQuery } from "../../../services/repository/port.ts";

export interface Bucket {
  /** Time of its last reading, ms. */
  readonly to: number;
  readonly readings: readonly Reading[];
}

export function bucketOf({ gpu, to, series: columns, packed }: Block, names: readonly Series[]): Bucket {
  const unpacked = unpackColumns(packed);
  if (!unpacked.ok) throw new Error(unpacked.error);
  const { at: times, values } = unpacked.value;
  const readings: Reading[] = [];
  for (const [column, name] of columns.entries()) {
    for (const [tick, at] of times.entries()) {
      const value = values[column]?.[tick] as number;
      if (!Number.isNaN(value)) readings.push({ gpu, series: names[name] as Series, at, value });
    }
  }
  return { to, readings };
}

const bySeries = (a: { readonly series: Series }, b: { readonly series: Series }): number =>
  a.series < b.series ? -1 : a.series > b.series ? 1 : 0;

/** One reading per series and time: of several values the largest. */
function merge(readings: readonly Reading[], onDiffering: () => void): Reading[] {
  const merged = new Map<string, Reading>();
  for (const reading of readings) {
    const key = `${reading.at} ${reading.series}`;
    const known = merged.get(key);
    if (known !== undefined && known.value !== reading.value) onDiffering();
    if (known === undefined || reading.value > known.value) merged.set(key, reading);
  }
  return [...merged.values()];
}

const ofMetrics = (metrics: readonly string[] | undefined) => (reading: Reading) =>
  metrics === undefined || metrics.includes(metricOf(reading.series));

export function pageOfReadings(
  buckets: readonly Bucket[],
  { from, to }: Window,
  { metrics, limit, order = "newest", after }: ReadingQuery,
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
  const readings = rest.slice(0, limit);
  const last = readings.at(-1);
  return { readings, next: last && rest.length > limit ? { at: last.at, series: last.series } : null };
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
  const newest = new Map<Series, Reading>();
  for (const reading of merge(asked, () => {}).sort((a, b) => a.at - b.at)) newest.set(reading.series, reading);
  return [...newest.values()].sort(bySeries);
}
