/** Reads attributions, which version 1 wrote: as holds, and as the evidence of its buckets. */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { type Holder, holderKey, NOBODY } from "../../../../schema/model/holder.ts";
import type { EarlierHolders } from "../../holds/bucket-evidence.ts";
import type { HoldRecord } from "../../holds/derive.ts";
import type { AttributionDocument, HeldDocument, HoldDocument } from "../documents.ts";
import { holdDocument, recordOf } from "./hold-documents.ts";

/** Both ends inclusive. Intervals of one GPU never overlap. */
export interface Interval {
  /** Null: the GPU had no holder. */
  readonly holder: Holder | null;
  readonly from: number;
  readonly to: number;
}

const keyOf = ({ holder }: Pick<Interval, "holder">): string => (holder === null ? "" : holderKey(holder));

function intervalOf({ from, to, namespace, pod, container }: HeldDocument): Interval {
  const isNobody = namespace === null && pod === null && container === null;
  const holder = isNobody ? null : ({ kind: "pod", namespace, pod, container, podUid: null } as const);
  return { holder, from: from.getTime(), to: to.getTime() };
}

/** Returns the intervals of the highest revision of each day, oldest first. Version 1 cut intervals at midnight. */
export function intervalsOf(revisions: readonly AttributionDocument[]): Interval[] {
  const newest = new Map<string, AttributionDocument>();
  for (const one of revisions) if (one.rev > (newest.get(one.day)?.rev ?? 0)) newest.set(one.day, one);
  const days = [...newest.values()].sort((a, b) => a.from.getTime() - b.from.getTime());
  const intervals: Interval[] = [];
  for (const interval of days.flatMap(({ held }) => held.map(intervalOf))) {
    const last = intervals.at(-1);
    if (last === undefined || keyOf(last) !== keyOf(interval)) intervals.push(interval);
    else intervals[intervals.length - 1] = { ...last, to: interval.to };
  }
  return intervals;
}

/**
 * Returns the holders at a time. Version 1 writes an interval that goes on up to a minute late, so the last interval
 * before a time counts.
 */
export function earlierHolders(revisions: readonly AttributionDocument[]): EarlierHolders {
  const intervals = intervalsOf(revisions);
  return (at) => {
    const holder = intervals.findLast(({ from }) => from <= at)?.holder ?? null;
    return holder === null ? NOBODY : [holder];
  };
}

/** Returns the holds of a GPU that version 1 alone has stored. */
export const holdsOf = (intervals: readonly Interval[]): HoldRecord[] =>
  intervals.flatMap(({ holder, from, to }, index): HoldRecord[] => {
    const ended = intervals[index + 1]?.from ?? null;
    return holder === null ? [] : [{ instance: null, holder, from, to, ended, usualMs: 0 }];
  });

/** Returns the documents to put. A hold that overlaps a stored one of its holder only makes that one longer. */
export function takenOver(
  gpu: GpuUuid,
  records: readonly HoldRecord[],
  stored: readonly HoldDocument[],
): { readonly added: HoldDocument[]; readonly changed: HoldDocument[] } {
  const added: HoldDocument[] = [];
  const changed: HoldDocument[] = [];
  const known = stored.filter(({ instance }) => instance === null).map((document) => recordOf(document));
  for (const record of records) {
    const same = known.find(
      (one) => holderKey(one.holder) === holderKey(record.holder) && one.from <= record.to && record.from <= one.to,
    );
    if (same === undefined) added.push(holdDocument(gpu, record));
    else if (same.ended === null && (record.to > same.to || record.ended !== null) && record.to >= same.to) {
      changed.push(holdDocument(gpu, { ...same, to: record.to, ended: record.ended }));
    }
  }
  return { added, changed };
}

const lastOf = ({ to, ended }: HoldRecord): number => (ended === null ? Number.POSITIVE_INFINITY : to);

/** Returns the stored hold of the card that covers the interval. */
export const coveringHold = (interval: Interval, stored: readonly HoldRecord[]): HoldRecord | undefined =>
  stored.find(
    (one) =>
      one.instance === null &&
      holderKey(one.holder) === keyOf(interval) &&
      one.from <= interval.from &&
      lastOf(one) >= interval.to,
  );

/** Returns from when on the stored holds differ from what version 1 has seen; undefined: they do not. */
export function firstDifference(intervals: readonly Interval[], stored: readonly HoldRecord[]): number | undefined {
  const isOther = (interval: Interval, one: HoldRecord): boolean =>
    one.instance === null &&
    holderKey(one.holder) !== keyOf(interval) &&
    one.from <= interval.to &&
    lastOf(one) >= interval.from;
  return intervals.find(
    (interval) =>
      (interval.holder !== null && coveringHold(interval, stored) === undefined) ||
      stored.some((one) => isOther(interval, one)),
  )?.from;
}
