/** Turns attributions, which version 1 wrote, into holds. */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { holderKey } from "../../../../schema/model/holder.ts";
import type { HoldRecord } from "../../holds/derive.ts";
import type { AttributionDocument, HeldDocument, HoldDocument } from "../documents.ts";
import { holdDocument, recordOf } from "./hold-documents.ts";

const sameHolder = (a: HeldDocument, b: HeldDocument): boolean =>
  a.pod === b.pod && a.namespace === b.namespace && a.container === b.container;

const isNobody = ({ namespace, pod, container }: HeldDocument): boolean =>
  namespace === null && pod === null && container === null;

/** Returns the highest revision of each day, by time. */
export function newestRevisions(revisions: readonly AttributionDocument[]): AttributionDocument[] {
  const newest = new Map<string, AttributionDocument>();
  for (const one of revisions) if (one.rev > (newest.get(one.day)?.rev ?? 0)) newest.set(one.day, one);
  return [...newest.values()].sort((a, b) => a.from.getTime() - b.from.getTime());
}

/** Returns the holds of a GPU. Version 1 cut intervals at midnight. @param days as `newestRevisions` returns them */
export function holdsOfDays(days: readonly AttributionDocument[]): HoldRecord[] {
  const held: HeldDocument[] = [];
  for (const interval of days.flatMap((day) => day.held)) {
    const last = held.at(-1);
    if (last !== undefined && sameHolder(last, interval)) held[held.length - 1] = { ...last, to: interval.to };
    else held.push(interval);
  }
  return held.flatMap((interval, index): HoldRecord[] => {
    const { from, to, namespace, pod, container } = interval;
    if (isNobody(interval)) return [];
    const holder = { kind: "pod", namespace, pod, container, podUid: null } as const;
    const ended = held[index + 1]?.from.getTime() ?? null;
    return [{ instance: null, holder, from: from.getTime(), to: to.getTime(), ended, usualMs: 0 }];
  });
}

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
