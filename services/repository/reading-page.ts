/**
 * Merges overlapping buckets into one page of readings, time by time; unpacks a bucket only when the page reaches it.
 */
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { HolderSet } from "../../schema/model/holder.ts";
import type { Series } from "../../schema/model/reading.ts";
import { metricOf } from "../../schema/model/series.ts";
import type { Window } from "../../schema/model/window.ts";
import {
  type Bucket,
  type BucketReader,
  firstTickFrom,
  holdersOf,
  isWithoutHolder,
  mergedHolders,
  type Order,
  type Rival,
  stronger,
} from "./bucket.ts";
import type { ReadingCursor, ReadingPage, StoredReading } from "./port.ts";

export interface PageRequest {
  readonly gpu: GpuUuid;
  readonly window: Window;
  readonly order: Order;
  readonly limit: number;
  readonly metrics?: readonly string[] | undefined;
  readonly after?: ReadingCursor | undefined;
  readonly withHolders?: boolean;
}

/** Returns the first and the last time that a page can hold, both inclusive. If it can hold none, `from > to`. */
export function pageBounds({ window, order, after }: PageRequest): { readonly from: number; readonly to: number } {
  const from = Math.ceil(window.from);
  const to = Math.ceil(window.to) - 1;
  if (after === undefined) return { from, to };
  return order === "newest" ? { from, to: Math.min(to, after.at) } : { from: Math.max(from, after.at), to };
}

interface MergedReading {
  readonly value: number;
  /** Undefined if they were not asked for. */
  readonly holders: HolderSet | null | undefined;
}

/** An unpacked bucket and the index of its next time. */
interface OpenBucket extends Pick<Bucket, "evidence"> {
  readonly series: readonly Series[];
  readonly columns: readonly number[];
  readonly at: Float64Array;
  readonly values: readonly Float64Array[];
  tick: number;
  readonly end: number;
}

/**
 * Returns a function that picks the columns of the wanted metrics. It caches them per list of series, because most
 * buckets of a GPU share one list.
 */
function createColumnFilter(metrics: readonly string[] | undefined) {
  const wanted = metrics && new Set(metrics);
  const picked = new Map<readonly Series[], readonly number[]>();
  return (series: readonly Series[]): readonly number[] => {
    let columns = picked.get(series);
    if (columns === undefined) {
      columns = series.flatMap((name, column) => (wanted?.has(metricOf(name)) === false ? [] : [column]));
      picked.set(series, columns);
    }
    return columns;
  };
}

/**
 * Pulls buckets in descending order of `to` (newest) or ascending order of `from` (oldest), as many as the page needs.
 * Calls `onDiffering` when buckets have different values for one series and time.
 */
export function* readPage(request: PageRequest, onDiffering: () => void): BucketReader<ReadingPage> {
  const { gpu, limit, after, order } = request;
  const bounds = pageBounds(request);
  const step = order === "newest" ? -1 : 1;
  const columnsOf = createColumnFilter(request.metrics);
  const readings: StoredReading[] = [];
  let open: OpenBucket[] = [];

  const openBucket = (bucket: Bucket): void => {
    const columns = columnsOf(bucket.series);
    if (columns.length === 0 || bucket.from > bounds.to || bucket.to < bounds.from) return;
    const { at, values } = bucket.unpack();
    const first = firstTickFrom(at, bounds.from);
    const last = firstTickFrom(at, bounds.to + 1) - 1;
    if (first > last) return;
    const [tick, end] = order === "newest" ? [last, first - 1] : [first, last + 1];
    open.push({ series: bucket.series, evidence: bucket.evidence, columns, at, values, tick, end });
  };

  /** Adds a reading, unless it is at or before the cursor. Returns false when the page is full. */
  const add = (at: number, series: Series, { value, holders }: MergedReading): boolean => {
    if (at === after?.at && series <= after.series) return true;
    if (readings.length === limit) return false;
    readings.push(holders === undefined ? { gpu, series, at, value } : { gpu, series, at, value, holders });
    return true;
  };
  const namedBy = (bucket: OpenBucket, column: number, tick: number) =>
    request.withHolders === true ? holdersOf(bucket, column, tick) : undefined;

  const addTick = (time: number): boolean => {
    const [only, ...others] = open.filter(({ at, tick }) => at[tick] === time) as [OpenBucket, ...OpenBucket[]];
    if (others.length === 0) {
      for (const column of only.columns) {
        const value = only.values[column]?.[only.tick] as number;
        if (Number.isNaN(value)) continue;
        const holders = namedBy(only, column, only.tick);
        if (!add(time, only.series[column] as Series, { value, holders })) return false;
      }
      return true;
    }
    const merged = new Map<Series, Rival & MergedReading>();
    for (const bucket of [only, ...others]) {
      const { series, columns, values, tick } = bucket;
      for (const column of columns) {
        const value = values[column]?.[tick] as number;
        if (Number.isNaN(value)) continue;
        const name = series[column] as Series;
        const known = merged.get(name);
        const holders = namedBy(bucket, column, tick);
        const rival = { value, isWithoutHolder: isWithoutHolder(bucket, column, tick), holders };
        if (known !== undefined && known.value !== value) onDiffering();
        if (known === undefined) merged.set(name, rival);
        else if (holders === undefined || known.holders === undefined) merged.set(name, stronger(known, rival));
        else merged.set(name, { ...stronger(known, rival), holders: mergedHolders(known.holders, holders) });
      }
    }
    return [...merged.keys()].sort().every((name) => add(time, name, merged.get(name) as Rival & MergedReading));
  };

  let next = yield;
  for (;;) {
    let time = Number.NaN;
    const reach = ({ at, tick }: OpenBucket) => {
      const candidate = at[tick] as number;
      if (Number.isNaN(time) || (candidate - time) * step < 0) time = candidate;
    };
    open.forEach(reach);
    while (next !== undefined) {
      const edge = order === "newest" ? next.to : next.from;
      if ((edge - time) * step > 0) break;
      const before = open.length;
      openBucket(next);
      if (open.length > before) reach(open[before] as OpenBucket);
      next = yield;
    }
    if (Number.isNaN(time)) return { readings, next: null };
    if (!addTick(time)) {
      const { at, series } = readings.at(-1) as StoredReading;
      return { readings, next: { at, series } };
    }
    let over = false;
    for (const bucket of open) {
      if (bucket.at[bucket.tick] === time) bucket.tick += step;
      over ||= bucket.tick === bucket.end;
    }
    if (over) open = open.filter(({ tick, end }) => tick !== end);
  }
}
