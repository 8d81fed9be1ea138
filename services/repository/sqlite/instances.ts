/** The table of MIG instances. Call all functions inside `database.read` or `database.write`. */
import type { GpuInstance } from "../../../schema/model/gpu.ts";
import { INSTANCE_GONE_MS, instanceOrder, type KnownInstance } from "../inventory.ts";
import type { Database } from "./database.ts";

export interface InstanceTable {
  /** Returns all instances that the GPU has had, by id. */
  known(gpu: number): Map<string, KnownInstance>;
  put(gpu: number, id: string, instance: KnownInstance): void;
  /** Returns the instances that the GPUs have now, in order of ids. */
  of(gpus: readonly number[]): ReadonlyMap<number, readonly Omit<GpuInstance, "holders">[]>;
}

export function createInstanceTable(database: Database): InstanceTable {
  const known = database.prepare("SELECT instance, profile, profile_at, last_seen FROM instances WHERE gpu = ?");
  const put = database.prepare(
    "INSERT OR REPLACE INTO instances (gpu, instance, profile, profile_at, last_seen) VALUES (?, ?, ?, ?, ?)",
  );
  const present = database.prepare(
    `SELECT gpu, instance, profile FROM instances JOIN gpus ON gpus.id = gpu
     WHERE gpu IN (SELECT value FROM json_each(?)) AND gpus.last_seen - instances.last_seen < ${INSTANCE_GONE_MS}`,
  );
  return {
    known: (gpu) =>
      new Map(
        known.all(gpu).map(([id, profile, profileAt, lastSeen]) => {
          return [id, { profile, profileAt, lastSeen }] as [string, KnownInstance];
        }),
      ),
    put: (gpu, id, { profile, profileAt, lastSeen }) => void put.run(gpu, id, profile, profileAt, lastSeen),
    of(gpus) {
      const found = new Map<number, Omit<GpuInstance, "holders">[]>();
      for (const [gpu, id, profile] of present.all(JSON.stringify(gpus)) as [number, string, string | null][]) {
        const ofGpu = found.get(gpu);
        if (ofGpu === undefined) found.set(gpu, [{ id, profile }]);
        else ofGpu.push({ id, profile });
      }
      for (const ofGpu of found.values()) ofGpu.sort((a, b) => instanceOrder(a.id, b.id));
      return found;
    },
  };
}
