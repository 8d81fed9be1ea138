/** Compares a GPU as a process knows it with its stored document. */
import type { UpdateFilter } from "mongodb";
import type { Series } from "../../../../schema/model/reading.ts";
import { type KnownGpu, type KnownInstance, sameFacts } from "../../inventory.ts";
import type { GpuDocument, InstanceDocument } from "../documents.ts";
import { fieldOf } from "../readings/field-names.ts";
import type { SeriesList } from "../readings/series-lists.ts";
import { gpuOf, instanceOf, laterInstance, sameInstance, seenOf, withKnown } from "./gpu-documents.ts";

/** How far the stored last time of an instance may be behind: instances are left out after a day without a reading. */
const INSTANCE_LAG_MS = 3_600_000;

/** A GPU as this process knows it. */
export interface KnownState {
  readonly gpu: KnownGpu;
  readonly instances: ReadonlyMap<string, KnownInstance>;
  /** Start of the newest hour of each list of series. */
  readonly hours: ReadonlyMap<SeriesList, number>;
}

function newestOf(hours: ReadonlyMap<SeriesList, number>): Map<string, number> {
  const newest = new Map<string, number>();
  for (const [{ fields }, hour] of hours) {
    for (const field of fields) newest.set(field, Math.max(newest.get(field) ?? hour, hour));
  }
  return newest;
}

const instanceDocument = ({ lastSeen, profile, profileAt }: KnownInstance): InstanceDocument => ({
  lastSeen: new Date(lastSeen),
  profile,
  profileAt: profileAt === null ? null : new Date(profileAt),
});

const isNear = (known: KnownInstance, stored: KnownInstance | undefined): boolean =>
  stored !== undefined && known.lastSeen - stored.lastSeen < INSTANCE_LAG_MS && known.profile === stored.profile;

export interface Difference {
  /** For a GPU that is not stored. */
  readonly document: GpuDocument;
  /** Makes the stored document equal; null: it is. `$max` and `$min` decide between concurrent writers. */
  readonly change: UpdateFilter<GpuDocument> | null;
}

/** @param lastSeen time of the GPU's last reading as the pulses have it */
export function differenceOf(
  { gpu, instances, hours }: KnownState,
  stored: GpuDocument | undefined,
  lastSeen: number | undefined,
): Difference {
  const document: GpuDocument = {
    _id: gpu.uuid,
    v: 1,
    firstSeen: new Date(gpu.firstSeen),
    seen: seenOf(gpu),
    instances: Object.fromEntries(
      [...instances].map(([id, instance]) => [fieldOf(id as Series), instanceDocument(instance)]),
    ),
    newest: Object.fromEntries([...newestOf(hours)].map(([field, hour]) => [field, new Date(hour)])),
  };
  if (stored === undefined) return { document, change: null };
  const max: Record<string, unknown> = {};
  const known = gpuOf(stored);
  if (!sameFacts(withKnown(known, gpu, lastSeen), known)) max.seen = document.seen;
  for (const [id, instance] of instances) {
    const field = fieldOf(id as Series);
    const before = stored.instances?.[field] === undefined ? undefined : instanceOf(stored.instances[field]);
    const later = laterInstance(instance, before);
    if (!sameInstance(later, before) && !isNear(later, before)) max[`instances.${field}`] = instanceDocument(later);
  }
  for (const [field, hour] of newestOf(hours)) {
    const at = stored.newest[field]?.getTime() ?? Number.NEGATIVE_INFINITY;
    if (hour > at) max[`newest.${field}`] = new Date(hour);
  }
  const isEarlier = gpu.firstSeen < known.firstSeen;
  if (!isEarlier && Object.keys(max).length === 0) return { document, change: null };
  return {
    document,
    change: {
      ...(Object.keys(max).length === 0 ? {} : { $max: max }),
      ...(isEarlier ? { $min: { firstSeen: document.firstSeen } } : {}),
    } as UpdateFilter<GpuDocument>,
  };
}
