/** Cuts the readings of one GPU into blocks: at full hours, columns sorted by series, duplicates merged. */

import type { GpuUuid } from "../model/gpu.ts";
import { type Block, hourStartMs } from "./batch.ts";
import { ColumnPacker, MAX_BLOCK_CELLS } from "./columns.ts";
import type { GpuReadings, ReadingColumns } from "./reading-log.ts";
import type { SlotTable } from "./slot-table.ts";

export class BlockCutter {
  readonly merged = { same: 0, differing: 0 };
  readonly #table: SlotTable;
  readonly #packer = new ColumnPacker();
  /** For each series number: the column of that series in the current block, or -1. */
  #columnOf = new Int32Array(64).fill(-1);
  /** Series numbers of the current and of the previous block, in order of appearance. The two are usually equal. */
  #appeared: number[] = [];
  #appearedBefore: number[] = [];
  #ordered: readonly number[] = [];
  #times = new Float64Array(64);
  #cells = new Float64Array(1024);

  constructor(table: SlotTable) {
    this.#table = table;
  }

  /**
   * Appends the GPU's blocks in order of time. Their `series` holds series numbers of the slot table; consecutive
   * blocks with equal series share one list.
   */
  cut({ gpu, columns, start, end }: GpuReadings, blocks: Block[]): void {
    const uuid = this.#table.gpus.texts[gpu] as GpuUuid;
    const { at } = columns;
    for (let from = start, to: number; from < end; from = to) {
      const hour = hourStartMs(at[from] as number);
      if (hourStartMs(at[end - 1] as number) === hour) to = end;
      else for (to = from + 1; hourStartMs(at[to] as number) === hour; ) to++;
      this.#cutHour(uuid, columns, from, to, blocks);
    }
  }

  /** Makes one block of the readings, or halves them if times × series would exceed `MAX_BLOCK_CELLS`. */
  #cutHour(gpu: GpuUuid, columns: ReadingColumns, start: number, end: number, blocks: Block[]): void {
    const times = this.#measure(columns, start, end);
    if (times === 1 || times * this.#ordered.length <= MAX_BLOCK_CELLS) {
      blocks.push(this.#block(gpu, columns, start, end, times));
      return;
    }
    const { at } = columns;
    let middle = (start + end) >> 1;
    while (middle < end && at[middle] === at[middle - 1]) middle++;
    if (middle === end) {
      middle = (start + end) >> 1;
      while (at[middle] === at[middle - 1]) middle--;
    }
    this.#cutHour(gpu, columns, start, middle, blocks);
    this.#cutHour(gpu, columns, middle, end, blocks);
  }

  /** Assigns a column to each series of the readings, and returns the number of distinct times. */
  #measure({ slots, at }: ReadingColumns, start: number, end: number): number {
    const { seriesOf, series } = this.#table;
    if (this.#columnOf.length < series.texts.length) this.#columnOf = new Int32Array(series.texts.length * 2).fill(-1);
    const columnOf = this.#columnOf;
    [this.#appeared, this.#appearedBefore] = [this.#appearedBefore, this.#appeared];
    const appeared = this.#appeared;
    for (const number of this.#appearedBefore) columnOf[number] = -1;
    appeared.length = 0;
    let times = 1;
    for (let index = start; index < end; index++) {
      if (index > start && at[index] !== at[index - 1]) times++;
      const number = seriesOf[slots[index] as number] as number;
      if (columnOf[number] !== -1) continue;
      columnOf[number] = 0;
      appeared.push(number);
    }
    if (!sameNumbers(appeared, this.#appearedBefore)) {
      const { ranks } = series;
      this.#ordered = appeared.toSorted((a, b) => (ranks[a] as number) - (ranks[b] as number));
    }
    for (const [column, number] of this.#ordered.entries()) columnOf[number] = column;
    return times;
  }

  #block(gpu: GpuUuid, columns: ReadingColumns, start: number, end: number, times: number): Block {
    const series = this.#ordered;
    const readings = this.#fill(columns, start, end, times);
    const packed = this.#packer.pack(this.#times, times, this.#cells, series.length);
    return { gpu, from: columns.at[start] as number, to: columns.at[end - 1] as number, readings, series, packed };
  }

  /** Fills the cells, column by column; returns the number of cells that hold a reading. */
  #fill({ slots, at, values }: ReadingColumns, start: number, end: number, times: number): number {
    const size = times * this.#ordered.length;
    if (this.#times.length < times) this.#times = new Float64Array(Math.max(times, this.#times.length * 2));
    if (this.#cells.length < size) this.#cells = new Float64Array(Math.max(size, this.#cells.length * 2));
    const { seriesOf } = this.#table;
    const columnOf = this.#columnOf;
    const ticks = this.#times;
    const cells = this.#cells.fill(Number.NaN, 0, size);
    let tick = 0;
    let readings = 0;
    ticks[0] = at[start] as number;
    for (let index = start; index < end; index++) {
      const time = at[index] as number;
      if (time !== ticks[tick]) ticks[++tick] = time;
      const cell = (columnOf[seriesOf[slots[index] as number] as number] as number) * times + tick;
      const value = values[index] as number;
      const kept = cells[cell] as number;
      if (Number.isNaN(kept)) {
        cells[cell] = value;
        readings++;
        continue;
      }
      if (value === kept) this.merged.same++;
      else this.merged.differing++;
      cells[cell] = Math.max(value, kept);
    }
    return readings;
  }
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
