/** Readings as they come, and then by GPU and time: numbers in growing columns that are used again. */
import type { GpuUuid } from "./gpu.ts";
import type { SlotTable } from "./slot-table.ts";

/** Readings of one GPU in ascending order of time: three columns of equal length, valid until the next GPU's. */
export interface GpuReadings {
  readonly gpu: GpuUuid;
  readonly slots: Int32Array;
  readonly at: Float64Array;
  readonly values: Float64Array;
}

class ReadingColumns {
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

  copyFrom(other: ReadingColumns): void {
    this.slots.set(other.slots);
    this.at.set(other.at);
    this.values.set(other.values);
  }
}

/** Capacity that is kept from batch to batch: a full batch's. */
const KEPT_CAPACITY = 65_536;

export class ReadingLog {
  #come = new ReadingColumns(1024);
  #grouped = new ReadingColumns(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(slot: number, at: number, value: number): void {
    if (this.#size === this.#come.capacity) this.#grow();
    const index = this.#size++;
    this.#come.slots[index] = slot;
    this.#come.at[index] = at;
    this.#come.values[index] = value;
  }

  clear(): void {
    this.#size = 0;
    if (this.#come.capacity > KEPT_CAPACITY) this.#come = new ReadingColumns(1024);
    if (this.#grouped.capacity > KEPT_CAPACITY) this.#grouped = new ReadingColumns(1024);
  }

  /** In order of uuid. */
  *byGpu(table: SlotTable): Generator<GpuReadings> {
    const ends = this.#group(table);
    const uuids = table.gpus.things;
    const present = [...ends.keys()].filter((gpu) => ends[gpu] !== (gpu === 0 ? 0 : ends[gpu - 1]));
    const { ranks } = table.gpus;
    present.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
    for (const gpu of present) {
      const start = gpu === 0 ? 0 : (ends[gpu - 1] as number);
      const end = ends[gpu] as number;
      const readings = {
        gpu: uuids[gpu] as GpuUuid,
        slots: this.#grouped.slots.subarray(start, end),
        at: this.#grouped.at.subarray(start, end),
        values: this.#grouped.values.subarray(start, end),
      };
      yield inOrderOfTime(readings);
    }
  }

  /** Counting sort by GPU, each GPU's readings in the order they came; GPU → where its readings end. */
  #group(table: SlotTable): Int32Array {
    const { slots, at, values } = this.#come;
    const next = new Int32Array(table.gpus.things.length + 1);
    for (let index = 0; index < this.#size; index++) {
      const after = table.of(slots[index] as number).gpu + 1;
      next[after] = (next[after] as number) + 1;
    }
    for (let gpu = 1; gpu < next.length; gpu++) next[gpu] = (next[gpu] as number) + (next[gpu - 1] as number);
    if (this.#grouped.capacity < this.#size) this.#grouped = new ReadingColumns(this.#come.capacity);
    const grouped = this.#grouped;
    for (let index = 0; index < this.#size; index++) {
      const slot = slots[index] as number;
      const { gpu } = table.of(slot);
      const place = next[gpu] as number;
      next[gpu] = place + 1;
      grouped.slots[place] = slot;
      grouped.at[place] = at[index] as number;
      grouped.values[place] = values[index] as number;
    }
    return next.subarray(0, -1);
  }

  #grow(): void {
    const grown = new ReadingColumns(this.#come.capacity * 2);
    grown.copyFrom(this.#come);
    this.#come = grown;
  }
}

/** As they are in a file: nearly always in order already. */
function inOrderOfTime(readings: GpuReadings): GpuReadings {
  const { slots, at, values } = readings;
  let index = 1;
  while (index < at.length && (at[index] as number) >= (at[index - 1] as number)) index++;
  if (index >= at.length) return readings;
  const order = Array.from(at, (_, place) => place).sort((a, b) => (at[a] as number) - (at[b] as number));
  return {
    gpu: readings.gpu,
    slots: Int32Array.from(order, (place) => slots[place] as number),
    at: Float64Array.from(order, (place) => at[place] as number),
    values: Float64Array.from(order, (place) => values[place] as number),
  };
}
