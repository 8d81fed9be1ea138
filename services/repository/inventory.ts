/** What is known of GPUs: which facts are newest, and in which order GPUs are listed. */
import type { Sighting } from "../../schema/batch/batch.ts";
import type { Gpu, GpuFacts } from "../../schema/model/gpu.ts";
import type { GpuCursor } from "./port.ts";

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** A GPU's place on its host; an index that is no number comes last. */
export const placeOf = (index: string): number => (/^\d{1,15}$/.test(index) ? Number(index) : Number.MAX_SAFE_INTEGER);

export const inventoryOrder = (a: GpuCursor, b: GpuCursor): number =>
  compare(a.host, b.host) || compare(placeOf(a.index), placeOf(b.index)) || compare(a.uuid, b.uuid);

/** In this order, the unknown first: MongoDB compares documents so, too. */
const RANKED = ["host", "index", "device", "model", "driver", "container", "pod", "namespace"] as const;

function outranks(a: GpuFacts, b: GpuFacts): boolean {
  const field = RANKED.find((name) => a[name] !== b[name]);
  return field !== undefined && (a[field] ?? "") > (b[field] ?? "");
}

/**
 * The GPU after one more sighting, or the same object when nothing is new. The facts are those of the sighting that
 * ends last; of two that end together, those that sort last, so that the order of arrival does not matter.
 */
export function afterSighting(known: Gpu | undefined, { facts, from, to }: Sighting): Gpu {
  if (known === undefined) return { ...facts, firstSeen: from, lastSeen: to };
  const firstSeen = Math.min(known.firstSeen, from);
  if (to > known.lastSeen || (to === known.lastSeen && outranks(facts, known))) {
    return { ...facts, firstSeen, lastSeen: to };
  }
  return firstSeen < known.firstSeen ? { ...known, firstSeen } : known;
}

export const sameFacts = (a: GpuFacts, b: GpuFacts): boolean => RANKED.every((name) => a[name] === b[name]);
