/** Converts GPUs and instances to documents and back. */
import type { Gpu } from "../../../../schema/model/gpu.ts";
import { afterSighting, type KnownGpu, type KnownInstance, placeOf } from "../../inventory.ts";
import type { GpuDocument, InstanceDocument, SeenDocument } from "../documents.ts";

export type StoredFacts = Pick<GpuDocument, "_id" | "firstSeen" | "seen">;

/** Version 1 of the store wrote neither `pciBusId` nor `labels`, but the parts of a holder. */
export function gpuOf({ _id: uuid, firstSeen, seen }: StoredFacts): KnownGpu {
  const { lastSeen, host, index, device, model, driver, pciBusId = null, labels = null } = seen;
  const facts = { host, index, device, model, driver, pciBusId, labels };
  return { uuid, ...facts, firstSeen: firstSeen.getTime(), lastSeen: lastSeen.getTime() };
}

/**
 * Returns a stored GPU with what a process knows of it.
 * @param pulse time of the last reading, with facts that are those stored unless the process knows better
 */
export function withKnown(stored: KnownGpu, own: KnownGpu | undefined, pulse: number | undefined): KnownGpu {
  const last = Math.max(stored.lastSeen, pulse ?? stored.lastSeen);
  if (own === undefined) return { ...stored, lastSeen: last };
  const firstSeen = Math.min(stored.firstSeen, own.firstSeen);
  // Another process has seen the GPU later, and would have stored other facts.
  if (own.lastSeen < last) return { ...stored, firstSeen, lastSeen: last };
  const facts = { ...own, instance: null, profile: null };
  return afterSighting(stored, { facts, from: own.firstSeen, to: own.lastSeen });
}

export const seenOf = ({ lastSeen, ...gpu }: KnownGpu | Gpu): SeenDocument => ({
  lastSeen: new Date(lastSeen),
  host: gpu.host,
  index: gpu.index,
  device: gpu.device,
  model: gpu.model,
  driver: gpu.driver,
  pciBusId: gpu.pciBusId,
  labels: gpu.labels,
  place: placeOf(gpu.index),
});

export const instanceOf = ({ profile, lastSeen, profileAt }: InstanceDocument): KnownInstance => ({
  profile,
  profileAt: profileAt?.getTime() ?? null,
  lastSeen: lastSeen.getTime(),
});

/** Returns the later of two states of an instance. */
export function laterInstance(a: KnownInstance, b: KnownInstance | undefined): KnownInstance {
  if (b === undefined) return a;
  const rank = ({ profileAt }: KnownInstance) => profileAt ?? Number.NEGATIVE_INFINITY;
  const isNewer = rank(b) > rank(a) || (rank(b) === rank(a) && (b.profile ?? "") > (a.profile ?? ""));
  const { profile, profileAt } = isNewer ? b : a;
  return { profile, profileAt, lastSeen: Math.max(a.lastSeen, b.lastSeen) };
}

export const sameInstance = (a: KnownInstance, b: KnownInstance | undefined): boolean =>
  b !== undefined && a.profile === b.profile && a.profileAt === b.profileAt && a.lastSeen === b.lastSeen;
