/**
 * Attribution of one GPU: a list of intervals that never overlap, each with one holder.
 * - Adjacent intervals with the same holder are merged.
 * - An idle GPU has the holder "nobody", which separates two turns of the same pod.
 * - If all sources name the same holder at each time of a reading, sightings may arrive in any order. If sources
 *   disagree, the sighting saved last decides the times that it covers.
 */
import type { GpuFacts } from "../../schema/model/gpu.ts";

/** How many intervals of one GPU an answer may have. */
export const ATTRIBUTIONS_MAX = 10_000;

export interface Holder {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
}

/** Both ends are times of readings, inclusive, ms. */
export interface Held {
  readonly holder: Holder;
  readonly from: number;
  readonly to: number;
}

/** Finds the time at which to cut an interval: that of the stored reading nearest to a given time. */
export interface TickFinder {
  /** Returns the last time of a stored reading in `[earliest, time)`. */
  before(time: number, earliest: number): number | undefined;
  /** Returns the first time of a stored reading in `(time, latest]`. */
  after(time: number, latest: number): number | undefined;
}

export const holderOf = ({ namespace, pod, container }: GpuFacts): Holder => ({ namespace, pod, container });
export const sameHolder = (a: Holder, b: Holder): boolean =>
  a.pod === b.pod && a.namespace === b.namespace && a.container === b.container;
export const isNobody = ({ namespace, pod, container }: Holder): boolean =>
  namespace === null && pod === null && container === null;

/** Returns what remains of `interval` before and after a sighting of another holder. */
function cut(interval: Held, { from, to }: Held, ticks: TickFinder): Held[] {
  const rest: Held[] = [];
  if (interval.from < from) {
    rest.push({ ...interval, to: ticks.before(from, interval.from) ?? interval.from });
  }
  if (interval.to > to) rest.push({ ...interval, from: ticks.after(to, interval.to) ?? interval.to });
  return rest;
}

/**
 * Adds a sighting. `intervals` are those that overlap the sighting, and the nearest one on each side, oldest first.
 * Returns the intervals that replace them.
 */
export function addSighting(intervals: readonly Held[], sighting: Held, ticks: TickFinder): Held[] {
  const pieces: Held[] = [sighting];
  for (const interval of intervals) {
    const apart = interval.to < sighting.from || interval.from > sighting.to;
    if (apart || sameHolder(interval.holder, sighting.holder)) pieces.push(interval);
    else pieces.push(...cut(interval, sighting, ticks));
  }
  pieces.sort((a, b) => a.from - b.from);
  const merged: Held[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last !== undefined && sameHolder(last.holder, piece.holder)) {
      merged[merged.length - 1] = { ...last, to: Math.max(last.to, piece.to) };
    } else {
      merged.push(piece);
    }
  }
  return merged;
}
