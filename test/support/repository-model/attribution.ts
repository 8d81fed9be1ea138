/** Attribution of one GPU in the model: one holder per time of a stored reading; an interval is a run of one holder. */
import type { Sighting } from "../../../schema/batch/batch.ts";
import type { Window } from "../../../schema/model/window.ts";
import { type Holder, holderOf, isNobody, sameHolder } from "../../../services/repository/holders.ts";
import type { Bucket } from "./readings.ts";

/** Intervals in one answer. */
const ATTRIBUTIONS_MAX = 10_000;

/** The holder at each time of a stored reading, ms. An idle GPU has the holder whose names are all null. */
export type HolderAt = Map<number, Holder>;

interface Interval {
  readonly holder: Holder;
  readonly from: number;
  to: number;
}

/** The sighting saved last decides about its times. */
export function noteHolder(holderAt: HolderAt, { facts, from, to }: Sighting, buckets: readonly Bucket[]): void {
  for (const { readings } of buckets) {
    for (const { at } of readings) if (at >= from && at <= to) holderAt.set(at, holderOf(facts));
  }
}

function intervalsOf(holderAt: HolderAt): Interval[] {
  const intervals: Interval[] = [];
  for (const [at, holder] of [...holderAt].sort(([a], [b]) => a - b)) {
    const last = intervals.at(-1);
    if (last !== undefined && sameHolder(last.holder, holder)) last.to = at;
    else intervals.push({ holder, from: at, to: at });
  }
  return intervals;
}

export const attributionsWithin = (window: Window, holderAt: HolderAt) =>
  intervalsOf(holderAt)
    .filter(({ holder, from, to }) => !isNobody(holder) && from < window.to && to >= window.from)
    .slice(0, ATTRIBUTIONS_MAX)
    .map(({ holder, from, to }) => ({ ...holder, from, to }));

/** Drops the intervals that end before the time. */
export function forgetHoldersBefore(holderAt: HolderAt, before: number): void {
  for (const { from, to } of intervalsOf(holderAt)) {
    if (to >= before) continue;
    for (const at of [...holderAt.keys()]) if (at >= from && at <= to) holderAt.delete(at);
  }
}
