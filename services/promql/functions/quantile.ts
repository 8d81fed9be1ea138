/** Quantiles of unsorted and sorted values. */

/** NaN counts as smaller than every number. */
const ascending = (a: number, b: number): number => {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  return Number.isNaN(b) ? 1 : a - b;
};

/** Sorts `[0, length)` ascending, NaN first. */
export function sortAscending(values: Float64Array, length: number): void {
  const part = values.subarray(0, length);
  // A typed array sorts NaN last by itself, and much faster than with a comparison.
  if (part.some(Number.isNaN)) part.sort(ascending);
  else part.sort();
}

/** The quantile of sorted values, between two of them by weight. */
export function quantileOfSorted(quantile: number, sorted: Float64Array, length: number): number {
  if (length === 0 || Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  const rank = quantile * (length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  if (weight === 0) return sorted[lower]!;
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

/** Index of the first value that is not below `value`. */
function lowerBound(sorted: Float64Array, length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The values of a window in order, while the window moves over a series without NaN. */
export class SortedWindow {
  readonly #values: Float64Array;
  #sorted = new Float64Array(64);
  #from = 0;
  #to = 0;

  constructor(values: Float64Array) {
    this.#values = values;
  }

  get sorted(): Float64Array {
    return this.#sorted;
  }

  /** Moves to `[from, to)`; neither end moves back. */
  moveTo(from: number, to: number): void {
    if (to - from > this.#sorted.length) this.#grow((to - from) * 2);
    // Sorting anew is cheaper than exchanging most values one by one.
    if (from - this.#from + to - this.#to > (to - from) / 4) {
      this.#sorted.set(this.#values.subarray(from, to));
      this.#sorted.subarray(0, to - from).sort();
    } else {
      for (let index = this.#from; index < from; index++) this.#remove(this.#values[index]!, this.#to - index);
      for (let index = this.#to; index < to; index++) this.#insert(this.#values[index]!, index - from);
    }
    this.#from = from;
    this.#to = to;
  }

  #remove(value: number, length: number): void {
    const at = lowerBound(this.#sorted, length, value);
    this.#sorted.copyWithin(at, at + 1, length);
  }

  #insert(value: number, length: number): void {
    const at = lowerBound(this.#sorted, length, value);
    this.#sorted.copyWithin(at + 1, at, length);
    this.#sorted[at] = value;
  }

  #grow(length: number): void {
    const grown = new Float64Array(length);
    grown.set(this.#sorted.subarray(0, this.#to - this.#from));
    this.#sorted = grown;
  }
}
