/** Decides whether a stretch without readings is a silence, which ends holds, or only a missed scrape. */

/** How many distances between readings on each side of a silence tell the usual interval. */
export const DISTANCES = 20;
/** The shortest silence. Also the usual interval of a series without any distance. */
export const SHORTEST_SILENCE_MS = 300_000;

function median(numbers: number[]): number {
  numbers.sort((a, b) => a - b);
  const half = numbers.length >> 1;
  return numbers.length % 2 === 1
    ? (numbers[half] as number)
    : ((numbers[half - 1] as number) + (numbers[half] as number)) / 2;
}

/**
 * Returns the distances between neighbouring readings that tell the usual interval around the gap before reading
 * `next`, and how many more may follow. `next` may be the number of readings: the gap after all.
 */
function distancesAround(at: readonly number[], next: number): { distances: number[]; missing: number } {
  const distances: number[] = [];
  for (let index = next - 1; index > 0 && distances.length < DISTANCES; index--) {
    distances.push((at[index] as number) - (at[index - 1] as number));
  }
  const end = Math.min(at.length, next + 1 + DISTANCES);
  for (let index = next + 1; index < end; index++) {
    distances.push((at[index] as number) - (at[index - 1] as number));
  }
  return { distances, missing: DISTANCES - Math.max(0, end - next - 1) };
}

/**
 * Returns the usual interval of a series around the gap before reading `next`, ms: the median of up to 20 distances
 * between neighbouring readings on each side, the gap left out. `next` may be the number of readings: the gap after
 * all.
 */
export function usualInterval(at: readonly number[], next: number): number {
  const { distances } = distancesAround(at, next);
  return distances.length === 0 ? SHORTEST_SILENCE_MS : median(distances);
}

/** Returns the least and the greatest usual interval that later readings of the series can lead to, ms. */
export function usualRange(at: readonly number[], next: number): { least: number; most: number } {
  const { distances, missing } = distancesAround(at, next);
  if (missing === 0) {
    const usual = median(distances);
    return { least: usual, most: usual };
  }
  // Each further distance moves the median towards itself.
  const further = (distance: number) => median([...distances, ...new Array<number>(missing).fill(distance)]);
  return { least: further(0), most: further(Number.POSITIVE_INFINITY) };
}

export const isSilence = (gapMs: number, usualMs: number): boolean =>
  gapMs >= SHORTEST_SILENCE_MS && gapMs > 3 * usualMs;
