/**
 * Attribution of a GPU in MongoDB, cut into days (UTC). Writers replace a day as a whole, so that concurrent writers
 * cannot leave overlapping intervals, and no document grows without bound.
 */
import type { Batch, Sighting } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { addSighting, type Held, holderOf, sameHolder, type TickFinder } from "../../holders.ts";
import type { AttributionDocument, HeldDocument } from "../documents.ts";

export const DAY_MS = 86_400_000;
export const dayOf = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;

export const dayId = (gpu: GpuUuid, time: number): string =>
  `${gpu}:${new Date(dayOf(time)).toISOString().slice(0, -"T00:00:00.000Z".length)}`;

/** The part of a sighting that falls on one day. Both ends are times of readings. */
export interface DaySighting extends Held {
  /**
   * True if an earlier call stored the batch. The sighting is then ignored if it overlaps another holder's interval.
   */
  readonly isRepeated: boolean;
}

/** Cuts a sighting by day. A sighting that spans midnight is cut at the nearest readings of the batch on both sides. */
export function* byDay(batch: Batch, sighting: Sighting, isRepeated: boolean): Generator<DaySighting> {
  const { facts, from, to } = sighting;
  const holder = holderOf(facts);
  if (dayOf(from) === dayOf(to)) {
    yield { holder, from, to, isRepeated };
    return;
  }
  const days = new Map<number, { from: number; to: number }>();
  for (const block of batch.blocks) {
    if (block.gpu !== facts.uuid || block.to < from || block.from > to) continue;
    const known = days.get(dayOf(block.from)) ?? block;
    days.set(dayOf(block.from), { from: Math.min(known.from, block.from), to: Math.max(known.to, block.to) });
  }
  for (const day of days.values()) {
    yield { holder, from: Math.max(from, day.from), to: Math.min(to, day.to), isRepeated };
  }
}

const hasOtherHolder = (intervals: readonly Held[], { holder, from, to }: Held): boolean =>
  intervals.some((held) => held.from <= to && held.to >= from && !sameHolder(held.holder, holder));

/**
 * Writers cut an interval 1 ms before and 1 ms after the new sighting, although there may be no reading at that time:
 * to find the nearest reading would cost a query per cut. Reads of the day find it instead (see `isCut`).
 */
const ADJACENT: TickFinder = { before: (time) => time - 1, after: (time) => time + 1 };

/** Returns the day's intervals with the sighting added, or the same array if it adds nothing. */
export function withSighting(intervals: readonly Held[], sighting: DaySighting): readonly Held[] {
  if (sighting.isRepeated && hasOtherHolder(intervals, sighting)) return intervals;
  const { holder, from, to } = sighting;
  return addSighting(intervals, { holder, from, to }, ADJACENT);
}

/** True if the intervals are 1 ms apart: a writer may have cut one of them at a time without a reading. */
export const isCut = (held: Held | undefined, next: Held | undefined): boolean =>
  held !== undefined && next !== undefined && held.to + 1 === next.from;

/** True if the sighting can only move the end of the day's newest interval. */
export function extendsNewest(intervals: readonly Held[], { holder, from }: Held): boolean {
  const newest = intervals.at(-1);
  return newest !== undefined && from >= newest.from && sameHolder(newest.holder, holder);
}

export const sameIntervals = (a: readonly Held[], b: readonly Held[]): boolean =>
  a.length === b.length &&
  a.every((held, index) => {
    const other = b[index] as Held;
    return held.from === other.from && held.to === other.to && sameHolder(held.holder, other.holder);
  });

export const heldOf = ({ from, to, namespace, pod, container }: HeldDocument): Held => ({
  holder: { namespace, pod, container },
  from: from.getTime(),
  to: to.getTime(),
});

const heldDocument = ({ holder, from, to }: Held): HeldDocument => ({
  from: new Date(from),
  to: new Date(to),
  namespace: holder.namespace,
  pod: holder.pod,
  container: holder.container,
});

export interface Revision {
  /** `GPU:YYYY-MM-DD` */
  readonly id: string;
  readonly gpu: GpuUuid;
  readonly rev: number;
  readonly held: readonly Held[];
}

export function revisionDocument({ id, gpu, rev, held }: Revision): AttributionDocument {
  const [first, last] = [held[0] as Held, held.at(-1) as Held];
  return {
    _id: `${id}:${rev}`,
    v: 1,
    day: id,
    rev,
    gpu,
    from: new Date(first.from),
    to: new Date(last.to),
    held: held.map(heldDocument),
  };
}

export const isNewer = (one: { readonly rev: number }, other: { readonly rev: number } | undefined): boolean =>
  other === undefined || one.rev > other.rev;
