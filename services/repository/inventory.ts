/** Rules of the inventory: which sighting decides the facts of a GPU and its instances, and the order of GPUs. */
import type { Sighting } from "../../schema/batch/batch.ts";
import type { Gpu, GpuFacts } from "../../schema/model/gpu.ts";
import type { GpuCursor } from "./port.ts";

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Returns a GPU's index on its host as a number, for sorting. An index that is not a number sorts last. */
export const placeOf = (index: string): number => (/^\d{1,15}$/.test(index) ? Number(index) : Number.MAX_SAFE_INTEGER);

export const inventoryOrder = (a: GpuCursor, b: GpuCursor): number =>
  compare(a.host, b.host) || compare(placeOf(a.index), placeOf(b.index)) || compare(a.uuid, b.uuid);

/** A GPU without what is derived from holds and instances. */
export type KnownGpu = Omit<Gpu, "holders" | "instances">;

/**
 * The order in which facts are compared; null sorts first. `SeenDocument` has the same order, so that all stores agree.
 */
const RANKED = ["host", "index", "device", "model", "driver", "pciBusId", "labels"] as const;

type CardFacts = Pick<GpuFacts, (typeof RANKED)[number]>;

function outranks(a: CardFacts, b: CardFacts): boolean {
  const field = RANKED.find((name) => a[name] !== b[name]);
  return field !== undefined && (a[field] ?? "") > (b[field] ?? "");
}

/**
 * Returns the GPU after one more sighting, or the same object when nothing changes. The sighting that ends last decides
 * the facts. If two end together, the facts that sort last win, so that the order of arrival does not matter.
 */
export function afterSighting(known: KnownGpu | undefined, { facts, from, to }: Omit<Sighting, "holder">): KnownGpu {
  const { instance: _, profile: __, ...card } = facts;
  if (known === undefined) return { ...card, firstSeen: from, lastSeen: to };
  const firstSeen = Math.min(known.firstSeen, from);
  if (to > known.lastSeen || (to === known.lastSeen && outranks(card, known))) {
    return { ...card, firstSeen, lastSeen: to };
  }
  return firstSeen < known.firstSeen ? { ...known, firstSeen } : known;
}

export const sameFacts = (a: CardFacts, b: CardFacts): boolean => RANKED.every((name) => a[name] === b[name]);

/** What is known of a MIG instance. */
export interface KnownInstance {
  readonly profile: string | null;
  /** Last reading that named the profile; null if none has. */
  readonly profileAt: number | null;
  /** Last reading of the instance, ms. */
  readonly lastSeen: number;
}

/** An instance that has had no reading for this long before its GPU's newest is gone: MIG was reconfigured. */
export const INSTANCE_GONE_MS = 86_400_000;

/**
 * Returns the instance after a sighting that names it, or the same object when nothing changes. The last sighting with
 * a profile decides the profile; of two that end together, the profile that sorts last.
 */
export function afterInstance(
  known: KnownInstance | undefined,
  { facts, to }: Omit<Sighting, "holder">,
): KnownInstance {
  const { profile } = facts;
  const seen: KnownInstance = { profile, profileAt: profile === null ? null : to, lastSeen: to };
  if (known === undefined) return seen;
  const at = known.profileAt ?? Number.NEGATIVE_INFINITY;
  const decides = profile !== null && (to > at || (to === at && profile > (known.profile ?? "")));
  const lastSeen = Math.max(known.lastSeen, to);
  if (!decides) return lastSeen === known.lastSeen ? known : { ...known, lastSeen };
  return { profile, profileAt: to, lastSeen };
}

/** Orders instances by id: numbers first, as numbers. */
export const instanceOrder = (a: string, b: string): number => compare(placeOf(a), placeOf(b)) || compare(a, b);
