/**
 * Caches the GPUs of the file, so that a save reads almost nothing. The cache is valid only inside a write, after
 * `refresh`, which empties it if another process has committed.
 */
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import type { KnownGpu as InventoryGpu } from "../inventory.ts";
import type { Stay } from "../placements.ts";
import type { Database } from "./database.ts";
import type { GpuTable } from "./gpus.ts";
import type { HoldKeeper } from "./hold-keeper.ts";
import type { HeldGpu } from "./hold-memory.ts";
import { Instances, type InstanceTable } from "./instances.ts";
import type { StayTable } from "./stays.ts";

/** Number of GPUs, about 2 KB each, above which `refresh` empties the cache. */
const KNOWN_MAX = 20_000;

export interface KnownGpu extends HeldGpu {
  /** Undefined: all its readings are later than the present. */
  gpu: InventoryGpu | undefined;
  stay: Stay | undefined;
  /** `stays.last_at` of the newest stay; undefined: unknown. */
  stayEnd: number | undefined;
  readonly instances: Instances;
  /** Start of the newest hour with a bucket of each list of series, by the list's id. */
  readonly hours: Map<number, number>;
}

export interface KnownGpus {
  /** Call at the start of each write. */
  refresh(): void;
  find(uuid: GpuUuid): KnownGpu | undefined;
  /** Adds a GPU that is not in the inventory before a sighting is learned. */
  add(facts: GpuFacts): KnownGpu;
  /** Call after a write that failed. */
  forget(): void;
}

export interface KnownGpusParts {
  readonly gpus: GpuTable;
  readonly stays: StayTable;
  readonly instances: InstanceTable;
  readonly keeper: HoldKeeper;
}

export function createKnownGpus(database: Database, { gpus, stays, instances, keeper }: KnownGpusParts): KnownGpus {
  const known = new Map<GpuUuid, KnownGpu>();
  const hours = database.prepare("SELECT list, newest_hour FROM gpu_lists WHERE gpu = ?");
  let version: number | undefined;
  return {
    refresh() {
      const now = database.dataVersion();
      if (now !== version || known.size > KNOWN_MAX) known.clear();
      version = now;
    },
    find(uuid) {
      const cached = known.get(uuid);
      if (cached !== undefined) return cached;
      const row = gpus.find(uuid);
      if (row === undefined) return undefined;
      const found: KnownGpu = {
        id: row.id,
        uuid,
        gpu: row.gpu,
        ...stays.newest({ id: row.id, uuid }),
        instances: new Instances(instances.of(row.id), row.gpu?.lastSeen),
        hours: new Map(hours.all(row.id) as [number, number][]),
        holds: keeper.memoryOf(row.id),
      };
      known.set(uuid, found);
      return found;
    },
    add(facts) {
      const { uuid } = facts;
      const added: KnownGpu = {
        id: gpus.add(facts),
        uuid,
        gpu: undefined,
        stay: undefined,
        stayEnd: undefined,
        instances: new Instances(),
        hours: new Map(),
        holds: keeper.newMemory(),
      };
      known.set(uuid, added);
      return added;
    },
    forget: () => known.clear(),
  };
}
