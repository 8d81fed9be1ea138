/** Finds the name that somebody probably meant: for unknown options, commands and environment variables. */

/** Number of letters to insert, delete, replace or swap with their neighbour that make `a` of `b`. */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next[column] = Math.min(
        (last[column] as number) + 1,
        (next[column - 1] as number) + 1,
        (last[column - 1] as number) + (isSame ? 0 : 1),
        isSwapped ? (before[column - 2] as number) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, next];
  }
  return last[b.length] as number;
}

/** Longer names resemble nothing, which bounds the work. */
const MAX_LENGTH = 64;

/** Returns the name with the fewest differing letters: two at most, of a short name a quarter; undefined if none is. */
export function resembling(given: string, names: Iterable<string>): string | undefined {
  if (given.length > MAX_LENGTH) return undefined;
  let best: { readonly name: string; readonly away: number } | undefined;
  for (const name of names) {
    const away = distance(given.toLowerCase(), name.toLowerCase());
    if (away <= Math.min(2, name.length / 4) && away < (best?.away ?? Number.POSITIVE_INFINITY)) best = { name, away };
  }
  return best?.name;
}
