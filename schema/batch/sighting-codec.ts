/** Writes and reads the sightings of a batch, in both versions of the format. See FORMATS.md. */
import type { GpuFacts } from "../model/gpu.ts";
import type { Holder } from "../model/holder.ts";
import type { BatchHeader, Sighting } from "./batch.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { TextTable, WrittenTexts } from "./text-table.ts";

/** How many fields of a sighting are texts, at most. */
export const TEXTS_OF_SIGHTING = 10;

/** Returns the numbers of a sighting, as they are written. */
export function sightingNumbers(
  { facts, holder = null, from, to }: Sighting,
  { v, firstAt }: BatchHeader,
  table: TextTable,
): number[] {
  const { uuid, instance, index, device, model, host, driver, pciBusId, profile, labels } = facts;
  const pod = holder?.kind === "pod" ? holder : { container: null, pod: null, namespace: null };
  const texts =
    v === 1
      ? [uuid, index, device, model, host, driver, pod.container, pod.pod, pod.namespace]
      : [uuid, instance, index, device, model, host, driver, pciBusId, profile, labels];
  return [...texts.map((text) => table.number(text)), from - firstAt, to - from];
}

/** Reads `from` and `to`, both within the times of the header. */
export function readSpan(from: ByteReader, { firstAt, lastAt }: BatchHeader) {
  const begin = firstAt + from.bounded(lastAt - firstAt, "begin of a span");
  return { from: begin, to: begin + from.bounded(lastAt - begin, "length of a span") };
}

export function readSighting(from: ByteReader, texts: WrittenTexts, header: BatchHeader): Sighting {
  return header.v === 1 ? readVersion1(from, texts, header) : readVersion2(from, texts, header);
}

function readVersion1(from: ByteReader, texts: WrittenTexts, header: BatchHeader): Sighting {
  const facts: GpuFacts = {
    uuid: texts.uuid(from),
    instance: null,
    index: texts.text(from),
    device: texts.text(from),
    model: texts.text(from),
    host: texts.text(from),
    driver: texts.optional(from),
    pciBusId: null,
    profile: null,
    labels: null,
  };
  const [container, pod, namespace] = [texts.optional(from), texts.optional(from), texts.optional(from)];
  const isHeld = container !== null || pod !== null || namespace !== null;
  const holder: Holder | null = isHeld ? { kind: "pod", namespace, pod, container, podUid: null } : null;
  return { facts, holder, ...readSpan(from, header) };
}

function readVersion2(from: ByteReader, texts: WrittenTexts, header: BatchHeader): Sighting {
  const facts: GpuFacts = {
    uuid: texts.uuid(from),
    instance: texts.optional(from),
    index: texts.text(from),
    device: texts.text(from),
    model: texts.text(from),
    host: texts.text(from),
    driver: texts.optional(from),
    pciBusId: texts.optional(from),
    profile: texts.optional(from),
    labels: texts.optional(from),
  };
  return { facts, ...readSpan(from, header) };
}
