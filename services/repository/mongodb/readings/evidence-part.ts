/** Cuts the evidence of a block by time, because a large block is stored in several documents. */
import { type Evidence, type Run, type Track, trackOf } from "../../../../schema/batch/evidence.ts";
import type { HolderSet } from "../../../../schema/model/holder.ts";

function cut(track: Track, start: number, end: number): Run[] {
  const runs: Run[] = [];
  for (const { tick, set } of track) {
    if (tick >= end) break;
    if (tick <= start) runs.length = 0;
    runs.push({ tick: Math.max(0, tick - start), set });
  }
  return runs;
}

/** Returns the evidence of the ticks in `[start, end)`, or null if no row of them named a holder. */
export function partOfEvidence(evidence: Evidence, start: number, end: number): Evidence | null {
  if (start === 0 && evidence.tracks.every((track) => (track.at(-1)?.tick ?? 0) < end)) return evidence;
  const sets: HolderSet[] = [];
  const tracks: Track[] = [];
  const numbers = new Map<string, number>();
  const columns = evidence.ofColumn?.length ?? 1;
  const ofColumn = Array.from({ length: columns }, (_, column) => {
    const track = cut(trackOf(evidence, column), start, end).map(({ tick, set }): Run => {
      if (set === 0) return { tick, set };
      const holders = evidence.sets[set - 1] as HolderSet;
      const known = sets.indexOf(holders);
      return { tick, set: known < 0 ? sets.push(holders) : known + 1 };
    });
    const key = JSON.stringify(track);
    const number = numbers.get(key) ?? tracks.push(track) - 1;
    numbers.set(key, number);
    return number;
  });
  return sets.length === 0 ? null : { sets, tracks, ofColumn: tracks.length === 1 ? null : ofColumn };
}
