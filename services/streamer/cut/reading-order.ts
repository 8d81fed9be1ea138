/**
 * The order in which batches are cut from a read-ahead: GPU by GPU in order of first appearance, within a GPU by time,
 * and otherwise as in the source. A cell is one GPU's readings at one time; a batch holds whole cells.
 */
import type { ReadAhead } from "./read-ahead.ts";

export class ReadingOrder {
  /** Indices into the read-ahead's columns. */
  #entries = new Int32Array(0);
  #ahead: ReadAhead;

  constructor(ahead: ReadAhead) {
    this.#ahead = ahead;
    this.#arrange();
  }

  entry(index: number): number {
    return this.#entries[index] as number;
  }

  /**
   * Returns the end of a batch that starts at `from`, a cell's first reading: the last end of a cell within `size`
   * readings, or the end of the first cell if that cell is larger.
   */
  cut(from: number, size: number): number {
    const { length } = this.#ahead;
    if (from + size >= length) return length;
    for (let end = from + size; end > from; end--) if (this.#beginsCell(end)) return end;
    let end = from + size + 1;
    while (end < length && !this.#beginsCell(end)) end++;
    return end;
  }

  #beginsCell(index: number): boolean {
    const { slots, at, gpuOfSlot } = this.#ahead;
    const [before, entry] = [this.entry(index - 1), this.entry(index)];
    return at[before] !== at[entry] || gpuOfSlot[slots[before] as number] !== gpuOfSlot[slots[entry] as number];
  }

  #arrange(): void {
    const { slots, gpuOfSlot, length, gpus } = this.#ahead;
    const rankOfGpu = new Int32Array(gpus).fill(-1);
    const ends: number[] = [];
    for (let entry = 0; entry < length; entry++) {
      const gpu = gpuOfSlot[slots[entry] as number] as number;
      let rank = rankOfGpu[gpu] as number;
      if (rank === -1) {
        rank = ends.push(0) - 1;
        rankOfGpu[gpu] = rank;
      }
      ends[rank] = (ends[rank] as number) + 1;
    }
    for (let rank = 1; rank < ends.length; rank++) ends[rank] = (ends[rank] as number) + (ends[rank - 1] as number);
    const places = Int32Array.from(ends);
    const entries = new Int32Array(length);
    for (let entry = length - 1; entry >= 0; entry--) {
      const rank = rankOfGpu[gpuOfSlot[slots[entry] as number] as number] as number;
      const place = (places[rank] as number) - 1;
      places[rank] = place;
      entries[place] = entry;
    }
    this.#entries = entries;
    for (let rank = 0; rank < ends.length; rank++) this.#sortByTime(places[rank] as number, ends[rank] as number);
  }

  /** Sources are usually in order of time, so this checks before it sorts. */
  #sortByTime(from: number, to: number): void {
    const { at } = this.#ahead;
    const entries = this.#entries.subarray(from, to);
    for (let index = 1; index < entries.length; index++) {
      if ((at[entries[index] as number] as number) < (at[entries[index - 1] as number] as number)) {
        entries.sort((a, b) => (at[a] as number) - (at[b] as number) || a - b);
        return;
      }
    }
  }
}
