/**
 * Who held a GPU, as intervals that never overlap. Neighbours in time with the same holder are one interval; a GPU
 * that nobody held is held by "nobody", which keeps two turns of one pod apart. As long as sources agree on who held
 * the GPU at each time of a reading, the intervals are the same in whatever order sightings arrive; where they
 * disagree, the sighting that is saved last has its times.
 */
import type { GpuFacts } from "../../schema/model/gpu.ts";

/** Intervals in one answer. */
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

/** Finds the times at which an interval is cut. */
export interface TickFinder {
  /** The last time of a stored reading in `[earliest, time)`. */
  before(time: number, earliest: number): number | undefined;
  /** The first time of a stored reading in `(time, latest]`. */
  after(time: number, latest: number): number | undefined;
}

export const holderOf = ({ namespace, pod, container }: GpuFacts): Holder => ({ namespace, pod, container });
export const sameHolder = (a: Holder, b: Holder): boolean =>
  a.pod === b.pod && a.namespace === b.namespace && a.container === b.container;
export const isNobody = ({ namespace, pod, container }: Holder): boolean =>
  namespace === null && pod === null && container === null;

/** What is left of `interval` on either side of a sighting of another holder. */
function cut(interval: Held, { from, to }: Held, ticks: TickFinder): Held[] {
  const rest: Held[] = [];
  if (interval.from < from) {
    rest.push({ ...interval, to: ticks.before(from, interval.from) ?? interval.from });
  }
  if (interval.to > to) rest.push({ ...interval, from: ticks.after(to, interval.to) ?? interval.to });
  return rest;
}

/**
 * Takes in a sighting. `intervals`: those that touch it and the nearest one on each side, oldest first; what comes
 * back takes their place.
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
