/**
 * Placements of GPUs in the slots of hosts, derived from sightings.
 * - A stay is a GPU's time in one slot from its first reading there to its last one before a reading elsewhere. Stays
 *   of one GPU never overlap. If all sources name the same slot at each time of a reading, sightings may arrive in any
 *   order. If sources disagree, the sighting saved last decides the times of its readings.
 * - A stay ends at a newcomer: a GPU that reports in the slot and has not reported from this host before. What the GPU
 *   reports from the slot after that is another placement. A sibling of the host that is renumbered into the slot ends
 *   nothing.
 */

import type { Placement } from "../../schema/model/gpu.ts";
import { placeOf } from "./inventory.ts";

/** How many placements an answer may have. */
export const PLACEMENTS_MAX = 10_000;
/** A GPU is lost if it has no reading for this many of its usual intervals while another GPU of its host reports. */
export const LOST_INTERVALS = 5;
/** Distances between readings that decide what is usual. */
export const USUAL_DISTANCES = 20;
/** Usual interval of a GPU with one reading, ms. */
const UNKNOWN_INTERVAL_MS = 300_000;

export interface Slot {
  readonly host: string;
  readonly index: string;
}

/** Both ends are times of readings, inclusive, ms. */
export interface Stay extends Slot {
  readonly from: number;
  readonly to: number;
}

/** Finds the time at which to cut a stay: that of the stored reading nearest to a given time. */
export interface TickFinder {
  /** Returns the last time of a stored reading in `[earliest, time)`. */
  before(time: number, earliest: number): number | undefined;
  /** Returns the first time of a stored reading in `(time, latest]`. */
  after(time: number, latest: number): number | undefined;
}

export const sameSlot = (a: Slot, b: Slot): boolean => a.host === b.host && a.index === b.index;

/** Returns what remains of `stay` before and after a sighting in another slot. */
function cut(stay: Stay, { from, to }: Stay, ticks: TickFinder): Stay[] {
  const rest: Stay[] = [];
  if (stay.from < from) rest.push({ ...stay, to: ticks.before(from, stay.from) ?? stay.from });
  if (stay.to > to) rest.push({ ...stay, from: ticks.after(to, stay.to) ?? stay.to });
  return rest;
}

/**
 * Adds a sighting. `stays` are those that overlap the sighting, and the nearest one on each side, oldest first. Returns
 * the stays that replace them.
 */
export function addSighting(stays: readonly Stay[], sighting: Stay, ticks: TickFinder): Stay[] {
  const pieces: Stay[] = [sighting];
  for (const stay of stays) {
    const apart = stay.to < sighting.from || stay.from > sighting.to;
    if (apart || sameSlot(stay, sighting)) pieces.push(stay);
    else pieces.push(...cut(stay, sighting, ticks));
  }
  pieces.sort((a, b) => a.from - b.from);
  const merged: Stay[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last !== undefined && sameSlot(last, piece)) {
      merged[merged.length - 1] = { ...last, to: Math.max(last.to, piece.to) };
    } else {
      merged.push(piece);
    }
  }
  return merged;
}

/** Orders placements by start, then index as a number and GPU. */
export const placementOrder = (a: Placement, b: Placement): number =>
  a.from - b.from || placeOf(a.index) - placeOf(b.index) || (a.gpu < b.gpu ? -1 : a.gpu > b.gpu ? 1 : 0);

/**
 * Adds a sighting by the times of its readings: a GPU that has moved and come back has readings of another source in
 * between.
 */
export function addTimes(stays: readonly Stay[], slot: Slot, times: Iterable<number>, ticks: TickFinder): Stay[] {
  let all = [...stays];
  for (const time of times) all = addSighting(all, { ...slot, from: time, to: time }, ticks);
  return all;
}

/** A stay, or a part of one. */
export interface PlacedStay extends Stay {
  /** True while no reading says that the GPU has moved, or that a newcomer has taken the slot. */
  readonly isCurrent: boolean;
}

/**
 * Cuts a stay where newcomers arrive in its slot.
 * @param arrivals times of the newcomers' first readings in the slot after `stay.from`, ascending
 * @param isNewest whether the GPU has no later stay
 */
export function placementsOf(
  stay: Stay,
  arrivals: readonly number[],
  { isNewest, ticks }: { readonly isNewest: boolean; readonly ticks: TickFinder },
): PlacedStay[] {
  const placed: PlacedStay[] = [];
  let { from } = stay;
  for (const arrival of arrivals) {
    if (arrival > stay.to) break;
    const to = ticks.before(arrival, from);
    const next = ticks.after(arrival - 1, stay.to);
    if (to === undefined || next === undefined) continue;
    placed.push({ ...stay, from, to, isCurrent: false });
    from = next;
  }
  const isCurrent = isNewest && !arrivals.some((arrival) => arrival > stay.to);
  placed.push({ ...stay, from, isCurrent });
  return placed;
}

/** Returns the median distance between the newest times of readings. @param times ascending; the last 21 count */
export function usualIntervalMs(times: readonly number[]): number {
  const newest = times.slice(-USUAL_DISTANCES - 1);
  const distances = newest.slice(1).map((time, index) => time - (newest[index] as number));
  if (distances.length === 0) return UNKNOWN_INTERVAL_MS;
  distances.sort((a, b) => a - b);
  const middle = (distances.length - 1) / 2;
  return ((distances[Math.floor(middle)] as number) + (distances[Math.ceil(middle)] as number)) / 2;
}
