/** The table of MIG instances. Call all functions inside `database.read` or `database.write`. */
import type { GpuInstance } from "../../../schema/model/gpu.ts";
import { INSTANCE_GONE_MS, instanceOrder, type KnownInstance } from "../inventory.ts";
import type { Database } from "./database.ts";
import { endIn, storedEnd } from "./ends.ts";

/** An instance as stored: see ends.ts. */
export type InstanceRow = KnownInstance;

export interface StoredInstance {
  readonly id: string;
  readonly row: InstanceRow;
}

/** The instances of a GPU as the newest sightings leave them. */
export class Instances {
  readonly #known = new Map<string, KnownInstance>();
  readonly #rows = new Map<string, InstanceRow>();

  constructor(stored: readonly StoredInstance[] = [], lastSeen = 0) {
    for (const { id, row } of stored) {
      const { profile, profileAt, lastSeen: at } = row;
      this.#known.set(id, { profile, profileAt: endIn(profileAt, lastSeen), lastSeen: endIn(at, lastSeen) });
      this.#rows.set(id, row);
    }
  }

  get(id: string): KnownInstance | undefined {
    return this.#known.get(id);
  }

  set(id: string, instance: KnownInstance): void {
    this.#known.set(id, instance);
  }

  /** Writes what differs from the table. */
  write(gpu: number, table: InstanceTable, newest: number | undefined): void {
    for (const [id, { profile, ...times }] of this.#known) {
      const profileAt = storedEnd(times.profileAt, newest);
      const lastSeen = storedEnd(times.lastSeen, newest);
      const row = this.#rows.get(id);
      if (row?.profile === profile && row.profileAt === profileAt && row.lastSeen === lastSeen) continue;
      const changed = { profile, profileAt, lastSeen };
      table.put(gpu, id, changed);
      this.#rows.set(id, changed);
    }
  }
}

export interface InstanceTable {
  /** Returns all instances that the GPU has had. */
  of(gpu: number): readonly StoredInstance[];
  put(gpu: number, id: string, row: InstanceRow): void;
  /** Returns the instances that the GPUs have now, in order of ids. */
  present(gpus: readonly number[]): ReadonlyMap<number, readonly Omit<GpuInstance, "holders">[]>;
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
    of: (gpu) =>
      known.all(gpu).map(([id, profile, profileAt, lastSeen]) => {
        return { id, row: { profile, profileAt, lastSeen } } as StoredInstance;
      }),
    put: (gpu, id, { profile, profileAt, lastSeen }) => void put.run(gpu, id, profile, profileAt, lastSeen),
    present(gpus) {
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
