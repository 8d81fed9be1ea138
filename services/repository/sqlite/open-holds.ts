/**
 * The holds of a GPU that have not ended, as the newest block leaves them. Most saves only extend them, which changes
 * no row while they last as long as the GPU's readings.
 */
import type { HoldRecord } from "../holds/derive.ts";
import { openHoldKey } from "../holds/recent.ts";
import type { GpuKey } from "./buckets.ts";
import { storedEnd } from "./ends.ts";

/** A row of `holds`. */
export interface StoredHold {
  readonly hold: HoldRecord;
  /** `holds.last_at` */
  readonly lastAt: number;
}

interface Row {
  readonly from: number;
  readonly lastAt: number;
  readonly usualMs: number;
}

/** What `write` needs of the table of holds. */
export interface HoldRows {
  put(gpu: GpuKey, hold: HoldRecord, lastAt: number): void;
  extend(gpu: GpuKey, hold: HoldRecord, lastAt: number): void;
}

export class OpenHolds {
  readonly #records = new Map<string, HoldRecord>();
  readonly #rows = new Map<string, Row>();
  /** Holds that have ended and are not written yet. */
  #ended: HoldRecord[] = [];

  constructor(stored: readonly StoredHold[] = []) {
    for (const { hold, lastAt } of stored) {
      const key = openHoldKey(hold.instance, hold.holder);
      this.#records.set(key, hold);
      this.#rows.set(key, { from: hold.from, lastAt, usualMs: hold.usualMs });
    }
  }

  /** By `openHoldKey`. */
  get records(): ReadonlyMap<string, HoldRecord> {
    return this.#records;
  }

  /** Moves the end of the open hold with this key, if there is one. */
  extend(key: string, to: number): void {
    const hold = this.#records.get(key);
    if (hold !== undefined && hold.to < to) this.#records.set(key, { ...hold, to, usualMs: -1 });
  }

  /** Adds a hold, or replaces the one with the same instance, holder and start. */
  put(hold: HoldRecord): void {
    const key = openHoldKey(hold.instance, hold.holder);
    if (hold.ended === null) {
      this.#records.set(key, hold);
      return;
    }
    this.#ended.push(hold);
    if (this.#records.get(key)?.from === hold.from) this.#records.delete(key);
    if (this.#rows.get(key)?.from === hold.from) this.#rows.delete(key);
  }

  /** Writes what differs from the table. Call it before `gpus.last_seen` is read or changed by others. */
  write(gpu: GpuKey, rows: HoldRows, lastSeen: number | undefined): void {
    for (const hold of this.#ended) rows.put(gpu, hold, hold.to);
    if (this.#ended.length > 0) this.#ended = [];
    for (const [key, hold] of this.#records) {
      const { from, to, usualMs } = hold;
      const lastAt = storedEnd(to, lastSeen);
      const row = this.#rows.get(key);
      if (row?.from === from && row.lastAt === lastAt && row.usualMs === usualMs) continue;
      if (row?.from === from) rows.extend(gpu, hold, lastAt);
      else rows.put(gpu, hold, lastAt);
      this.#rows.set(key, { from, lastAt, usualMs });
    }
  }
}
