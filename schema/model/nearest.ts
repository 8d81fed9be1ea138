/** Finds the names that are most like a mistyped one. */

/** How many names are suggested. */
const SUGGESTIONS = 3;
/** Longer names are not compared: the work grows with the product of the lengths. */
const LENGTH_MAX = 128;

/** Returns how many letters to insert, delete, replace or swap with their neighbour; `most + 1` if more than `most`. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let twoBack: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min(
        (before[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (before[column - 1] as number) + cost,
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (twoBack[column - 2] as number) + 1);
      }
      current.push(least);
    }
    if (Math.min(...current) > most) return most + 1;
    twoBack = before;
    before = current;
  }
  return before[b.length] as number;
}

/**
 * Returns up to three of the candidates, nearest first: those that begin with the name or differ in at most a third of
 * the letters, then those that contain it. Case does not count.
 * @param formsOf the texts that stand for a candidate; default: the candidate itself
 */
export function nearestNames(
  name: string,
  candidates: Iterable<string>,
  formsOf: (candidate: string) => readonly string[] = (candidate) => [candidate],
): readonly string[] {
  if (name === "" || name.length > LENGTH_MAX) return [];
  const asked = name.toLowerCase();
  const most = Math.max(2, Math.floor(asked.length / 3));
  const ranked: { readonly candidate: string; readonly rank: number }[] = [];
  for (const candidate of candidates) {
    let rank = Number.POSITIVE_INFINITY;
    for (const form of formsOf(candidate)) {
      if (form.length > LENGTH_MAX) continue;
      const text = form.toLowerCase();
      const letters = distance(asked, text, most);
      if (letters <= most) rank = Math.min(rank, letters);
      else if (text.startsWith(asked)) rank = Math.min(rank, 0.5);
      else if (text.includes(asked)) rank = Math.min(rank, most + text.length - asked.length);
    }
    if (rank < Number.POSITIVE_INFINITY) ranked.push({ candidate, rank });
  }
  ranked.sort((a, b) => a.rank - b.rank || (a.candidate < b.candidate ? -1 : 1));
  return ranked.slice(0, SUGGESTIONS).map(({ candidate }) => candidate);
}
