/** Rules of the inventory: which sighting decides the facts of a GPU, and the order in which GPUs are listed. */
import type { Sighting } from "../../schema/batch/batch.ts";
import type { Gpu, GpuFacts } from "../../schema/model/gpu.ts";
import type { GpuCursor } from "./port.ts";

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Returns a GPU's index on its host as a number, for sorting. An index that is not a number sorts last. */
export const placeOf = (index: string): number => (/^\d{1,15}$/.test(index) ? Number(index) : Number.MAX_SAFE_INTEGER);

export const inventoryOrder = (a: GpuCursor, b: GpuCursor): number =>
  compare(a.host, b.host) || compare(placeOf(a.index), placeOf(b.index)) || compare(a.uuid, b.uuid);

/**
 * The order in which facts are compared; null sorts first. `SeenDocument` has the same order, so that all stores agree.
 */
const RANKED = ["host", "index", "device", "model", "driver", "container", "pod", "namespace"] as const;

function outranks(a: GpuFacts, b: GpuFacts): boolean {
  const field = RANKED.find((name) => a[name] !== b[name]);
  return field !== undefined && (a[field] ?? "") > (b[field] ?? "");
}

/**
 * Returns the GPU after one more sighting, or the same object when nothing changes. The sighting that ends last decides
 * the facts. If two end together, the facts that sort last win, so that the order of arrival does not matter.
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
