/** Quantiles and fractions of classic histograms: cumulative counts by upper bound. */

export interface Bucket {
  upper: number;
  count: number;
}

/** Counts that differ by less than this share are equal: they come from sums of floats. */
const TOLERANCE = 1e-12;
const MIN_NORMAL = 2 ** -1022;

function almostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < TOLERANCE * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/** Sorts buckets and joins those with one bound; null when the last one does not hold everything. */
function complete(buckets: Bucket[]): Bucket[] | null {
  buckets.sort((a, b) => (a.upper < b.upper ? -1 : a.upper > b.upper ? 1 : 0));
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return null;
  const joined: Bucket[] = [];
  for (const bucket of buckets) {
    const last = joined.at(-1);
    if (last?.upper === bucket.upper) last.count += bucket.count;
    else joined.push({ ...bucket });
  }
  return joined;
}

export interface Forced {
  /** The lowest and the highest bound whose count was raised, and the largest rise. */
  readonly least: number;
  readonly most: number;
  readonly difference: number;
}

/** Raises counts that are below the count of a lower bound. */
function makeMonotonic(buckets: Bucket[]): Forced | null {
  let [least, most, difference] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  let before = buckets[0]!.count;
  let isForced = false;
  for (const bucket of buckets.slice(1)) {
    if (bucket.count === before) continue;
    if (almostEqual(before, bucket.count)) {
      bucket.count = before;
    } else if (bucket.count < before) {
      isForced = true;
      least = Math.min(least, bucket.upper);
      most = Math.max(most, bucket.upper);
      difference = Math.max(difference, before - bucket.count);
      bucket.count = before;
    } else before = bucket.count;
  }
  return isForced ? { least, most, difference } : null;
}

/** The quantile, and how the counts had to be corrected for it. */
export function bucketQuantile(quantile: number, given: Bucket[]): { value: number; forced: Forced | null } {
  if (Number.isNaN(quantile)) return { value: Number.NaN, forced: null };
  if (quantile < 0) return { value: Number.NEGATIVE_INFINITY, forced: null };
  if (quantile > 1) return { value: Number.POSITIVE_INFINITY, forced: null };
  const buckets = complete(given);
  if (buckets === null) return { value: Number.NaN, forced: null };
  const forced = makeMonotonic(buckets);
  const last = buckets.length - 1;
  const observations = buckets[last]!.count;
  if (last < 1 || observations === 0) return { value: Number.NaN, forced };
  let rank = quantile * observations;
  let index = buckets.findIndex(({ count }) => count >= rank);
  if (index < 0) index = last;
  if (index === last) return { value: buckets[last - 1]!.upper, forced };
  const { upper, count } = buckets[index]!;
  if (index === 0) return { value: upper <= 0 ? upper : upper * (rank / count), forced };
  const below = buckets[index - 1]!;
  rank -= below.count;
  return { value: below.upper + (upper - below.upper) * (rank / (count - below.count)), forced };
}

/** The share of observations between two values, with each bucket's spread evenly. */
export function bucketFraction(lower: number, upper: number, given: Bucket[]): number {
  const buckets = complete(given);
  if (buckets === null) return Number.NaN;
  const total = buckets.at(-1)!.count;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const rankOf = (value: number): number => {
    let rank = 0;
    // With a positive first bound the observations are positive.
    let from = buckets[0]!.upper <= 0 ? Number.NEGATIVE_INFINITY : 0;
    for (const bucket of buckets) {
      if (from >= value) return rank;
      if (bucket.upper > value) {
        // A bucket of infinite width says nothing about where in it the observations are.
        if (from === Number.NEGATIVE_INFINITY) return bucket.count;
        return rank + ((bucket.count - rank) * (value - from)) / (bucket.upper - from);
      }
      rank = bucket.count;
      from = bucket.upper;
    }
    return total;
  };
  return (Math.min(total, rankOf(upper)) - Math.min(total, rankOf(lower))) / total;
}
