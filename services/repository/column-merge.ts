/** Merges the buckets of one GPU into columns, hour by hour: no bucket crosses the start of an hour. */
import { hourStartMs } from "../../schema/batch/batch.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";
import { metricOf } from "../../schema/model/series.ts";
import { type Bucket, isWithoutHolder, type Rival, type Span, stronger } from "./bucket.ts";
import type { ColumnsPart, ColumnsQuery, SeriesColumn } from "./columns.ts";

/** A part ends after the hour in which it reaches so many readings. */
export const PART_READINGS = 262_144;

/** The column of one series in one bucket. */
interface Chunk {
  readonly bucket: Bucket;
  readonly column: number;
  readonly at: Float64Array;
  readonly values: Float64Array;
}

/** Readings of one series, in an array that grows. */
class Growing {
  at = new Float64Array(256);
  values = new Float64Array(256);
  length = 0;
  readonly marks: number[] = [];

  push(at: number, value: number): void {
    if (this.length === this.at.length) this.#grow();
    this.at[this.length] = at;
    this.values[this.length++] = value;
  }

  #grow(): void {
    const [at, values] = [new Float64Array(this.length * 2), new Float64Array(this.length * 2)];
    at.set(this.at);
    values.set(this.values);
    this.at = at;
    this.values = values;
  }
}

export class ColumnMerge {
  readonly #metrics: ReadonlySet<string>;
  readonly #span: Span;
  readonly #onDiffering: () => void;
  readonly #wanted = new Map<readonly Series[], ReadonlySet<number>>();
  readonly #merged = new Map<Series, Growing>();
  /** Of the hour that is being read. */
  readonly #chunks = new Map<Series, Chunk[]>();
  readonly #marks = new Map<Series, number[]>();
  #hour = Number.NEGATIVE_INFINITY;
  #readings = 0;

  constructor(metrics: readonly string[], span: Span, onDiffering: () => void) {
    this.#metrics = new Set(metrics);
    this.#span = span;
    this.#onDiffering = onDiffering;
  }

  /** Takes buckets in order of their hours. Returns false if the part is full: the bucket belongs to the next one. */
  add(bucket: Bucket): boolean {
    const hour = hourStartMs(bucket.to);
    if (hour !== this.#hour) {
      this.#endHour();
      if (this.#readings >= PART_READINGS) return false;
      this.#hour = hour;
    }
    const wanted = this.#wantedOf(bucket.series);
    if (wanted.size === 0 || bucket.to < this.#span.from || bucket.from > this.#span.to) return true;
    const { at, values, marks } = bucket.unpack(wanted);
    for (const column of wanted) {
      const series = bucket.series[column] as Series;
      const chunk = { bucket, column, at, values: values[column] as Float64Array };
      const chunks = this.#chunks.get(series);
      if (chunks === undefined) this.#chunks.set(series, [chunk]);
      else chunks.push(chunk);
    }
    for (const cell of marks) {
      const column = Math.floor(cell / at.length);
      if (wanted.has(column)) this.#mark(bucket.series[column] as Series, at[cell % at.length] as number);
    }
    return true;
  }

  /** Returns the columns of all hours taken, by series. */
  end(): SeriesColumn[] {
    this.#endHour();
    return [...this.#merged]
      .filter(([, { length, marks }]) => length + marks.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([series, { at, values, length, marks }]) => ({
        series,
        at: at.subarray(0, length),
        values: values.subarray(0, length),
        marks: Float64Array.from(marks),
      }));
  }

  #wantedOf(series: readonly Series[]): ReadonlySet<number> {
    let wanted = this.#wanted.get(series);
    if (wanted === undefined) {
      wanted = new Set(series.flatMap((name, column) => (this.#metrics.has(metricOf(name)) ? [column] : [])));
      this.#wanted.set(series, wanted);
    }
    return wanted;
  }

  #mark(series: Series, at: number): void {
    if (at < this.#span.from || at > this.#span.to) return;
    const marks = this.#marks.get(series);
    if (marks === undefined) this.#marks.set(series, [at]);
    else marks.push(at);
  }

  #endHour(): void {
    for (const [series, chunks] of this.#chunks) {
      let merged = this.#merged.get(series);
      if (merged === undefined) {
        merged = new Growing();
        this.#merged.set(series, merged);
      }
      const before = merged.length;
      this.#append(merged, chunks);
      this.#readings += merged.length - before;
      this.#appendMarks(merged, this.#marks.get(series) ?? [], before);
    }
    this.#chunks.clear();
    this.#marks.clear();
  }

  #append(merged: Growing, chunks: Chunk[]): void {
    const { from, to } = this.#span;
    if (chunks.length > 1) chunks.sort((a, b) => (a.at[0] as number) - (b.at[0] as number));
    const isApart = (chunk: Chunk, index: number) =>
      index === 0 || ((chunks[index - 1] as Chunk).at.at(-1) as number) < (chunk.at[0] as number);
    if (!chunks.every(isApart)) {
      this.#appendRivals(merged, chunks);
      return;
    }
    for (const { at, values } of chunks) {
      for (let tick = 0; tick < at.length; tick++) {
        const time = at[tick] as number;
        const value = values[tick] as number;
        if (!Number.isNaN(value) && time >= from && time <= to) merged.push(time, value);
      }
    }
  }

  /** Merges chunks that have times in common, or lie between each other. */
  #appendRivals(merged: Growing, chunks: readonly Chunk[]): void {
    const { from, to } = this.#span;
    const byTime = new Map<number, Rival>();
    for (const { bucket, column, at, values } of chunks) {
      for (let tick = 0; tick < at.length; tick++) {
        const time = at[tick] as number;
        const value = values[tick] as number;
        if (Number.isNaN(value) || time < from || time > to) continue;
        const rival = { value, isWithoutHolder: isWithoutHolder(bucket, column, tick) };
        const known = byTime.get(time);
        if (known !== undefined && known.value !== value) this.#onDiffering();
        byTime.set(time, known === undefined ? rival : stronger(known, rival));
      }
    }
    for (const time of [...byTime.keys()].sort((a, b) => a - b)) merged.push(time, (byTime.get(time) as Rival).value);
  }

  /** @param since index of the first reading of the hour */
  #appendMarks(merged: Growing, marks: readonly number[], since: number): void {
    if (marks.length === 0) return;
    const readings = new Set(merged.at.subarray(since, merged.length));
    const without = new Set(marks.filter((at) => !readings.has(at)));
    merged.marks.push(...[...without].sort((a, b) => a - b));
  }
}

/** The columns of one part. */
export interface PartRead {
  readonly columns: readonly SeriesColumn[];
  /** Where the next part begins; undefined after the last one. */
  readonly next: number | undefined;
}

/** Yields the parts of each GPU one after the other. @param read reads the part that begins at the start of a span */
export async function* partsOf(
  gpus: readonly GpuUuid[],
  { window, signal }: ColumnsQuery,
  read: (gpu: GpuUuid, span: Span) => Promise<PartRead>,
): AsyncGenerator<ColumnsPart> {
  const to = Math.ceil(window.to) - 1;
  for (const gpu of new Set(gpus)) {
    for (let from: number | undefined = Math.ceil(window.from); from !== undefined && from <= to; ) {
      signal?.throwIfAborted();
      const part: PartRead = await read(gpu, { from, to });
      if (part.columns.length > 0) yield { gpu, columns: part.columns };
      from = part.next;
    }
  }
}
