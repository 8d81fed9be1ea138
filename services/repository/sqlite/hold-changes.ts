/** Gathers the changes of one GPU's holds in a save, and writes each hold once. Call inside `database.write`. */
import type { HoldRecord } from "../holds/derive.ts";
import { openHoldKey } from "../holds/recent.ts";
import type { HeldGpu } from "./hold-memory.ts";
import type { HoldTable } from "./holds.ts";

export interface Changes {
  /** Moves the end of the open hold with this key, if there is one. */
  extend(key: string, to: number): void;
  /** Adds a hold, or replaces the one with the same instance, holder and start. */
  put(hold: HoldRecord): void;
  write(): void;
}

export function createChanges(gpu: HeldGpu, table: HoldTable): Changes {
  const { holds: memory } = gpu;
  const extended = new Map<string, HoldRecord>();
  const others = new Map<string, HoldRecord>();
  return {
    extend(key, to) {
      const hold = memory.open.get(key);
      if (hold === undefined || hold.to >= to) return;
      const longer = { ...hold, to, usualMs: -1 };
      memory.open.set(key, longer);
      const row = `${key} ${hold.from}`;
      if (others.has(row)) others.set(row, longer);
      else extended.set(row, longer);
    },
    put(hold) {
      const key = openHoldKey(hold.instance, hold.holder);
      const row = `${key} ${hold.from}`;
      extended.delete(row);
      others.set(row, hold);
      memory.hasHolds = true;
      if (hold.ended === null) memory.open.set(key, hold);
      else if (memory.open.get(key)?.from === hold.from) memory.open.delete(key);
    },
    write() {
      for (const hold of extended.values()) table.extend(gpu, hold);
      for (const hold of others.values()) table.put(gpu, hold);
      extended.clear();
      others.clear();
    },
  };
}
