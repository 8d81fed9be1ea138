/** Converts holds to documents and back. */
import type { GpuUuid, Hold } from "../../../../schema/model/gpu.ts";
import { type Holder, holderKey } from "../../../../schema/model/holder.ts";
import { type HoldRecord, isOpenAt } from "../../holds/derive.ts";
import type { HoldDocument } from "../documents.ts";
import { beatOf, type LastTimes } from "./pulses.ts";

/** Equal for holds that begin together and have the same GPU, instance and holder. */
export const holdId = (
  gpu: GpuUuid,
  { instance, holder, from }: Pick<HoldRecord, "instance" | "holder" | "from">,
): string => `${gpu}|${instance ?? ""}|${holderKey(holder)}|${from}`;

const NO_POD = { namespace: null, pod: null, container: null, podUid: null };

export function holdDocument(gpu: GpuUuid, record: HoldRecord): HoldDocument {
  const { instance, holder, from, to, ended, usualMs } = record;
  const { kind: _, ...parts } = holder;
  return {
    _id: holdId(gpu, record),
    v: 1,
    gpu,
    instance,
    ...NO_POD,
    job: null,
    ...parts,
    from: new Date(from),
    to: new Date(to),
    ended: ended === null ? null : new Date(ended),
    usualMs,
  };
}

function holderOf({ namespace, pod, container, podUid, job }: HoldDocument): Holder {
  return job === null ? { kind: "pod", namespace, pod, container, podUid } : { kind: "job", job };
}

export const recordOf = (document: HoldDocument): HoldRecord => ({
  instance: document.instance,
  holder: holderOf(document),
  from: document.from.getTime(),
  to: document.to.getTime(),
  ended: document.ended?.getTime() ?? null,
  usualMs: document.usualMs,
});

/** Returns the hold as it is by the last times. */
export function holdOf(document: HoldDocument, { seen, held }: LastTimes): Hold {
  const record = recordOf(document);
  const to = record.ended === null ? Math.max(record.to, held.get(beatOf(document._id)) ?? record.to) : record.to;
  const { gpu, instance } = document;
  const isOpen = isOpenAt({ ...record, to }, Math.max(to, seen.get(gpu) ?? to));
  return { gpu, instance, holder: record.holder, from: record.from, to, isOpen };
}
