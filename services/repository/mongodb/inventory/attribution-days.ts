/**
 * Who held a GPU, cut into days (UTC): each day is one document that its writers renew as a whole, so that no two of
 * them can leave intervals that overlap, and no document grows for ever.
 */
import type { Batch, Sighting } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { addSighting, type Held, holderOf, sameHolder, type TickFinder } from "../../holders.ts";
import type { AttributionDocument, HeldDocument } from "../documents.ts";

export const DAY_MS = 86_400_000;
export const dayOf = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;

export const dayId = (gpu: GpuUuid, time: number): string =>
  `${gpu}:${new Date(dayOf(time)).toISOString().slice(0, -"T00:00:00.000Z".length)}`;

/** What a sighting tells about one day; both ends are times of readings. */
export interface Told extends Held {
  /** From a batch that was stored before: it fills only times of which nobody else was told. */
  readonly again: boolean;
}

/** A sighting that goes on over midnight is cut at the batch's readings on either side. */
export function* toldByDay(batch: Batch, sighting: Sighting, again: boolean): Generator<Told> {
  const { facts, from, to } = sighting;
  const holder = holderOf(facts);
  if (dayOf(from) === dayOf(to)) {
    yield { holder, from, to, again };
    return;
  }
  const days = new Map<number, { from: number; to: number }>();
  for (const block of batch.blocks) {
    if (block.gpu !== facts.uuid || block.to < from || block.from > to) continue;
    const known = days.get(dayOf(block.from)) ?? block;
    days.set(dayOf(block.from), { from: Math.min(known.from, block.from), to: Math.max(known.to, block.to) });
  }
  for (const day of days.values()) {
    yield { holder, from: Math.max(from, day.from), to: Math.min(to, day.to), again };
  }
}

const crossing = (intervals: readonly Held[], told: Held): Held[] =>
  intervals.filter((held) => held.from <= told.to && held.to >= told.from && !sameHolder(held.holder, told.holder));

/**
 * What is left of an interval that is cut ends right beside what cut it, whether or not a reading is there: looking for
 * the nearest one would cost every writer a query a cut. Who reads the day looks (`isCut`).
 */
const BESIDE: TickFinder = { before: (time) => time - 1, after: (time) => time + 1 };

/** The day's intervals after it; the same array where a batch told again has nothing to add. */
export function takeIn(intervals: readonly Held[], told: Told): readonly Held[] {
  if (told.again && crossing(intervals, told).length > 0) return intervals;
  const { holder, from, to } = told;
  return addSighting(intervals, { holder, from, to }, BESIDE);
}

/** Whether the end of one interval or the beginning of the next may be no time of a reading. */
export const isCut = (held: Held | undefined, next: Held | undefined): boolean =>
  held !== undefined && next !== undefined && held.to + 1 === next.from;

/** Makes the day's newest interval longer, and nothing else. */
export function extendsNewest(intervals: readonly Held[], told: Held): boolean {
  const newest = intervals.at(-1);
  return newest !== undefined && told.from >= newest.from && sameHolder(newest.holder, told.holder);
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
