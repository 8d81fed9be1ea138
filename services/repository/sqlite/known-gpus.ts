/**
 * GPUs as this process last saw them in the file, so that a save reads next to nothing. Good only inside a write:
 * a commit by anyone else empties it.
 */
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Held } from "../holders.ts";
import type { AttributionTable } from "./attributions.ts";
import type { GpuKey } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { GpuTable } from "./gpus.ts";

/** About 1 KB each. */
const KNOWN_MAX = 20_000;

export interface KnownGpu extends GpuKey {
  gpu: Gpu;
  newest: Held | undefined;
  /** Newest hour with a bucket of each list of series. */
  readonly hours: Map<number, number>;
}

export interface KnownGpus {
  /** At the start of each write. */
  refresh(): void;
  find(uuid: GpuUuid): KnownGpu | undefined;
  add(gpu: Gpu): KnownGpu;
  /** After a write that failed. */
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
