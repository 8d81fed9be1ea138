/** Folds the readings of one series into windows of time. */
import type { Windows } from "./windows.ts";

/** What can be said of the readings of one window. */
export const AGGREGATES = ["avg", "min", "max", "sum", "count", "first", "last", "increase", "rate"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** A stretch of time of which the readings count, both ends inclusive, ms. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * The share of a step of a counter that counts, from 0 to 1, for its two times. Steps are split among the holders that
 * hold the GPU at both.
 */
export type ShareOf = (before: number, at: number) => number;

const ALL: ShareOf = () => 1;

export interface Columns {
  /** Strictly ascending. */
  readonly at: Float64Array;
  readonly values: Float64Array;
}

/** Returns the index of the first time at or after `time`. */
function firstFrom(at: Float64Array, time: number): number {
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((at[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Aggregates of one series. Times come in ascending order, in any number of calls.
 *
 * A step of a counter, from one reading to the next in the same stretch, belongs to the window of the later reading. If
 * the value falls, the counter has begun again at 0. Nothing is extrapolated: `rate` is the increase per second between
 * the readings of its steps.
 */
export class SeriesFold {
  readonly #first: number;
  readonly #stepMs: number;
  readonly #sum: Float64Array;
  readonly #count: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #firsts: Float64Array;
  readonly #lasts: Float64Array;
  readonly #increase: Float64Array;
  /** Seconds between the readings of the steps that `increase` counts. */
  readonly #seconds: Float64Array;
  #before: { readonly at: number; readonly value: number; readonly stretch: Stretch } | undefined;

  constructor({ starts, stepMs }: Windows) {
    this.#first = starts[0] ?? 0;
    this.#stepMs = stepMs;
    const column = (value: number) => new Float64Array(starts.length).fill(value);
    this.#sum = column(0);
    this.#count = column(0);
    this.#min = column(Number.POSITIVE_INFINITY);
    this.#max = column(Number.NEGATIVE_INFINITY);
    this.#firsts = column(Number.NaN);
    this.#lasts = column(Number.NaN);
    this.#increase = column(0);
    this.#seconds = column(0);
  }

  /** @param stretches ascending, apart from each other; the same objects in all calls */
  add({ at, values }: Columns, stretches: readonly Stretch[], shareOf: ShareOf = ALL): void {
    for (const stretch of stretches) {
      const end = firstFrom(at, stretch.to + 1);
      for (let index = firstFrom(at, stretch.from); index < end; index++) {
        this.#take(at[index] as number, values[index] as number, stretch, shareOf);
      }
    }
  }

  #take(at: number, value: number, stretch: Stretch, shareOf: ShareOf): void {
    const window = Math.floor((at - this.#first) / this.#stepMs);
    const count = this.#count[window] as number;
    this.#count[window] = count + 1;
    this.#sum[window] = (this.#sum[window] as number) + value;
    if (value < (this.#min[window] as number)) this.#min[window] = value;
    if (value > (this.#max[window] as number)) this.#max[window] = value;
    if (count === 0) this.#firsts[window] = value;
    this.#lasts[window] = value;
    const before = this.#before;
    if (before?.stretch === stretch) {
      const step = value < before.value ? value : value - before.value;
      this.#increase[window] = (this.#increase[window] as number) + step * shareOf(before.at, at);
      this.#seconds[window] = (this.#seconds[window] as number) + (at - before.at) / 1000;
    }
    this.#before = { at, value, stretch };
  }

  /** Returns the aggregate of each window, NaN where the series has none. */
  values(aggregate: Aggregate): Float64Array {
    const count = this.#count;
    const whereCounted = (column: Float64Array) =>
      column.map((value, window) => (count[window] === 0 ? Number.NaN : value));
    switch (aggregate) {
      case "avg":
        return this.#sum.map((sum, window) => sum / (count[window] as number));
      case "min":
        return whereCounted(this.#min);
      case "max":
        return whereCounted(this.#max);
      case "sum":
        return whereCounted(this.#sum);
      case "count":
        return whereCounted(count);
      case "first":
        return this.#firsts;
      case "last":
        return this.#lasts;
      case "increase":
        return this.#increase.map((sum, window) => (this.#seconds[window] === 0 ? Number.NaN : sum));
      case "rate":
        return this.#increase.map((sum, window) => sum / (this.#seconds[window] as number));
      default:
        return aggregate satisfies never;
    }
  }
}
