/**
 * Caches the GPUs of the file, so that a save reads almost nothing. The cache is valid only inside a write, after
 * `refresh`, which empties it if another process has committed.
 */
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Held } from "../holders.ts";
import type { AttributionTable } from "./attributions.ts";
import type { GpuKey } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { GpuTable } from "./gpus.ts";

/** Number of GPUs, about 1 KB each, above which `refresh` empties the cache. */
const KNOWN_MAX = 20_000;

export interface KnownGpu extends GpuKey {
  gpu: Gpu;
  newest: Held | undefined;
  /** Start of the newest hour with a bucket of each list of series, by the list's id. */
  readonly hours: Map<number, number>;
}

export interface KnownGpus {
  /** Call at the start of each write. */
  refresh(): void;
  find(uuid: GpuUuid): KnownGpu | undefined;
  add(gpu: Gpu): KnownGpu;
  /** Call after a write that failed. */
  forget(): void;
}

export function createKnownGpus(database: Database, table: GpuTable, attributions: AttributionTable): KnownGpus {
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
      const row = table.find(uuid);
      if (row === undefined) return undefined;
      const found = {
        id: row.id,
        uuid,
        gpu: row.gpu,
        newest: attributions.newest({ id: row.id, uuid }),
        hours: new Map(hours.all(row.id) as [number, number][]),
      };
      known.set(uuid, found);
      return found;
    },
    add(gpu) {
      const added = { id: table.add(gpu), uuid: gpu.uuid, gpu, newest: undefined, hours: new Map() };
      known.set(gpu.uuid, added);
      return added;
    },
    forget: () => known.clear(),
  };
}
