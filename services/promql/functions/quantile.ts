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
