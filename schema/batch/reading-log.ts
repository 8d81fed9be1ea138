/** Collects readings in growing, reused columns of numbers, then groups them by GPU and sorts each group by time. */
import type { SlotTable } from "./slot-table.ts";

/** Readings as three columns of equal length. */
export class ReadingColumns {
  readonly slots: Int32Array;
  readonly at: Float64Array;
  readonly values: Float64Array;

  constructor(capacity: number) {
    this.slots = new Int32Array(capacity);
    this.at = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  get capacity(): number {
    return this.slots.length;
  }

  set(index: number, slot: number, at: number, value: number): void {
    this.slots[index] = slot;
    this.at[index] = at;
    this.values[index] = value;
  }

  copyFrom(other: ReadingColumns, length: number): void {
    this.slots.set(other.slots.subarray(0, length));
    this.at.set(other.at.subarray(0, length));
    this.values.set(other.values.subarray(0, length));
  }
}

/** Readings `start` to `end` (exclusive) of the columns: those of one GPU, in ascending order of time. */
export interface GpuReadings {
  readonly gpu: number;
  readonly columns: ReadingColumns;
  readonly start: number;
  readonly end: number;
}

const FIRST_CAPACITY = 1024;
/** Columns of up to this capacity, enough for a full batch, are kept for the next batch. Larger ones are dropped. */
const KEPT_CAPACITY = 65_536;

export class ReadingLog {
  #come = new ReadingColumns(FIRST_CAPACITY);
  #grouped = new ReadingColumns(FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(slot: number, at: number, value: number): void {
    if (this.#size === this.#come.capacity) this.#grow();
    this.#come.set(this.#size++, slot, at, value);
  }

  clear(): void {
    this.#size = 0;
    if (this.#come.capacity > KEPT_CAPACITY) this.#come = new ReadingColumns(FIRST_CAPACITY);
    if (this.#grouped.capacity > KEPT_CAPACITY) this.#grouped = new ReadingColumns(FIRST_CAPACITY);
  }

  /** Returns the readings of each GPU, sorted by uuid; valid until the next reading is added. */
  byGpu(table: SlotTable): GpuReadings[] {
    const present = this.#group(table);
    for (const { start, end } of present) orderByTime(this.#grouped, start, end);
    return present;
  }

  /** Groups the readings by GPU with a counting sort. The readings of a GPU keep their order. */
  #group(table: SlotTable): GpuReadings[] {
    const { slots, at, values } = this.#come;
    const { ranks } = table.gpus;
    const gpus: number[] = [];
    const next = new Int32Array(ranks.length);
    for (let index = 0; index < this.#size; index++) {
      const gpu = table.gpuOf[slots[index] as number] as number;
      if (next[gpu] === 0) gpus.push(gpu);
      next[gpu] = (next[gpu] as number) + 1;
    }
    gpus.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
    if (this.#grouped.capacity < this.#size) this.#grouped = new ReadingColumns(this.#come.capacity);
    const columns = this.#grouped;
    let start = 0;
    const present = gpus.map((gpu): GpuReadings => {
      const end = start + (next[gpu] as number);
      const readings = { gpu, columns, start, end };
      next[gpu] = start;
      start = end;
      return readings;
    });
    for (let index = 0; index < this.#size; index++) {
      const slot = slots[index] as number;
      const gpu = table.gpuOf[slot] as number;
      const place = next[gpu] as number;
      next[gpu] = place + 1;
      columns.set(place, slot, at[index] as number, values[index] as number);
    }
    return present;
  }

  #grow(): void {
    const grown = new ReadingColumns(this.#come.capacity * 2);
    grown.copyFrom(this.#come, this.#size);
    this.#come = grown;
  }
}

/** Sorts the readings of one GPU by time. In files they are nearly always sorted already. */
function orderByTime({ slots, at, values }: ReadingColumns, start: number, end: number): void {
  let index = start + 1;
  while (index < end && (at[index] as number) >= (at[index - 1] as number)) index++;
  if (index >= end) return;
  const times = at.slice(start, end);
  const order = orderOf(times);
  const slotsBefore = slots.slice(start, end);
  const valuesBefore = values.slice(start, end);
  for (let offset = 0; offset < order.length; offset++) {
    const place = order[offset] as number;
    slots[start + offset] = slotsBefore[place] as number;
    at[start + offset] = times[place] as number;
    values[start + offset] = valuesBefore[place] as number;
  }
}

/**
 * Returns the indices of `times` in ascending order of time. Unless the number would be too large, time and index are
 * combined in one number, because sorting numbers is several times faster than sorting with a comparison function.
 */
function orderOf(times: Float64Array): Float64Array {
  const scale = 2 ** (32 - Math.clz32(times.length));
  const first = times.reduce((least, time) => Math.min(least, time));
  const last = times.reduce((most, time) => Math.max(most, time));
  if ((last - first + 1) * scale > Number.MAX_SAFE_INTEGER) {
    return Float64Array.from(times, (_, place) => place).sort((a, b) => (times[a] as number) - (times[b] as number));
  }
  const order = times.map((time, place) => (time - first) * scale + place).sort();
  return order.map((key) => key - Math.floor(key / scale) * scale);
}
