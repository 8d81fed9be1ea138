/** Which GPUs have holds that do not follow from the stored readings yet. Call inside `database.read` or `write`. */
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Database } from "./database.ts";

export interface StaleGpus {
  /** `null`: the holds follow from the readings again. */
  mark(gpu: number, from: number | null): void;
  of(gpu: number): { readonly staleFrom: number | null; readonly hasHolds: boolean };
  /** @param uuids default: all */
  list(uuids?: readonly GpuUuid[]): readonly GpuUuid[];
  /** Readings before this time may have expired, ms. */
  expiredBefore(): number;
  noteExpiry(before: number): void;
}

export function createStaleGpus(database: Database): StaleGpus {
  const mark = database.prepare("UPDATE gpus SET stale_from = ?2 WHERE id = ?1");
  const of = database.prepare("SELECT stale_from, EXISTS (SELECT 1 FROM holds WHERE gpu = ?1) FROM gpus WHERE id = ?1");
  const all = database.prepare("SELECT uuid FROM gpus WHERE stale_from IS NOT NULL");
  const some = database.prepare(
    "SELECT uuid FROM gpus WHERE stale_from IS NOT NULL AND uuid IN (SELECT value FROM json_each(?))",
  );
  const expired = database.prepare("SELECT before FROM expired");
  const expire = database.prepare("UPDATE expired SET before = max(before, ?)");
  return {
    mark: (gpu, from) => void mark.run(gpu, from),
    of(gpu) {
      const [staleFrom = null, hasHolds] = of.get(gpu) as [number | null, number];
      return { staleFrom, hasHolds: hasHolds === 1 };
    },
    list: (uuids) =>
      (uuids === undefined ? all.all() : some.all(JSON.stringify(uuids))).map(([uuid]) => uuid as GpuUuid),
    expiredBefore: () => expired.get()?.[0] as number,
    noteExpiry: (before) => void expire.run(Math.ceil(before)),
  };
}
