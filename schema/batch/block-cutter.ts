/** Cuts the readings of one GPU into blocks: at full hours, columns sorted by series, duplicates merged. */

import type { GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";
import { type Batch, type Block, hourStartMs } from "./batch.ts";
import { ColumnPacker, MAX_BLOCK_CELLS } from "./columns.ts";
import type { Evidence } from "./evidence.ts";
import type { GpuReadings, ReadingColumns } from "./reading-log.ts";
import type { SlotTable } from "./slot-table.ts";
import { TrackFinder } from "./track-finder.ts";

/** Two rows of one series and time whose values differ. */
export interface DifferingRows {
  readonly gpu: GpuUuid;
  readonly series: Series;
  readonly at: number;
  readonly values: readonly [number, number];
}

export class BlockCutter {
  readonly merged = { same: 0, differing: 0 };
  /** By series, the earliest rows whose values differed. */
  readonly differing = new Map<Series, DifferingRows>();
  readonly #table: SlotTable;
  readonly #packer = new ColumnPacker();
  /** For each series number: the column of that series in the current block, or -1. */
  #columnOf = new Int32Array(64).fill(-1);
  /** Series numbers of the current and of the previous block, in order of appearance. The two are usually equal. */
  #appeared: number[] = [];
  #appearedBefore: number[] = [];
  #ordered: readonly number[] = [];
  #gpu = "" as GpuUuid;
  #times = new Float64Array(64);
  #cells = new Float64Array(1024);
  /** For each cell with a reading or a mark: the set of holders that its rows named. */
  #setOf = new Int32Array(1024);
  /** The set that all rows of the current block name; -1 if they name several. */
  #onlySet = 0;
  readonly #tracks: TrackFinder;
  readonly #version: Batch["v"];

  constructor(table: SlotTable, version: Batch["v"]) {
    this.#table = table;
    this.#tracks = new TrackFinder(table.holders.sets);
    this.#version = version;
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

  /**
   * Assigns a column to each series of the readings, records whether all rows name the same holders, and returns the
   * number of distinct times.
   */
  #measure({ slots, at }: ReadingColumns, start: number, end: number): number {
    const { seriesOf, series, holdersOf } = this.#table;
    const set = holdersOf[slots[start] as number] as number;
    this.#onlySet = set;
    if (this.#columnOf.length < series.texts.length) this.#columnOf = new Int32Array(series.texts.length * 2).fill(-1);
    const columnOf = this.#columnOf;
    [this.#appeared, this.#appearedBefore] = [this.#appearedBefore, this.#appeared];
    const appeared = this.#appeared;
    for (const number of this.#appearedBefore) columnOf[number] = -1;
    appeared.length = 0;
    let times = 1;
    for (let index = start; index < end; index++) {
      if (index > start && at[index] !== at[index - 1]) times++;
      const slot = slots[index] as number;
      if (holdersOf[slot] !== set) this.#onlySet = -1;
      const number = seriesOf[slot] as number;
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
    const marks = new Map<number, number>();
    this.#gpu = gpu;
    const readings = this.#fill(columns, start, end, times, marks);
    const packed = this.#packer.pack(this.#times, times, this.#cells, series.length, [...marks.keys()]);
    const evidence = this.#evidence(times, marks);
    const [from, to] = [columns.at[start] as number, columns.at[end - 1] as number];
    return { gpu, from, to, readings, marks: marks.size, series, packed, evidence };
  }

  #evidence(times: number, marks: ReadonlyMap<number, number>): Evidence | null {
    if (this.#version === 1) return null;
    if (this.#onlySet !== -1) return this.#tracks.constant(this.#onlySet);
    const setOf = this.#setOf;
    for (const [cell, set] of marks) setOf[cell] = set;
    const isFilled = (cell: number) => !Number.isNaN(this.#cells[cell]) || marks.has(cell);
    return this.#tracks.find(setOf, times, this.#ordered.length, isFilled);
  }

  /**
   * Fills the cells, column by column, and adds the marks with their sets. Returns the number of cells that hold a
   * reading.
   */
  #fill(
    { slots, at, values }: ReadingColumns,
    start: number,
    end: number,
    times: number,
    marks: Map<number, number>,
  ): number {
    const size = times * this.#ordered.length;
    if (this.#times.length < times) this.#times = new Float64Array(Math.max(times, this.#times.length * 2));
    if (this.#cells.length < size) {
      this.#cells = new Float64Array(Math.max(size, this.#cells.length * 2));
      this.#setOf = new Int32Array(this.#cells.length);
    }
    const { seriesOf, holdersOf } = this.#table;
    const columnOf = this.#columnOf;
    const ticks = this.#times;
    const cells = this.#cells.fill(Number.NaN, 0, size);
    const setOf = this.#setOf;
    let tick = 0;
    let readings = 0;
    ticks[0] = at[start] as number;
    for (let index = start; index < end; index++) {
      const time = at[index] as number;
      if (time !== ticks[tick]) ticks[++tick] = time;
      const slot = slots[index] as number;
      const cell = (columnOf[seriesOf[slot] as number] as number) * times + tick;
      const value = values[index] as number;
      const set = holdersOf[slot] as number;
      if (Number.isNaN(value)) {
        this.#mark(marks, cell, set);
      } else if (Number.isNaN(cells[cell])) {
        cells[cell] = value;
        setOf[cell] = set;
        readings++;
      } else {
        this.#merge(cell, value, slot, time);
      }
    }
    for (const cell of marks.keys()) if (!Number.isNaN(cells[cell])) marks.delete(cell);
    return readings;
  }

  /** Adds another row of a series and time. A row without a holder wins; among equals, the larger value. */
  #merge(cell: number, value: number, slot: number, at: number): void {
    const { holdersOf, seriesOf, series } = this.#table;
    const set = holdersOf[slot] as number;
    const cells = this.#cells;
    const kept = cells[cell] as number;
    const keptSet = this.#setOf[cell] as number;
    if (value === kept) {
      this.merged.same++;
    } else {
      this.merged.differing++;
      const name = series.texts[seriesOf[slot] as number] as Series;
      const first = this.differing.get(name);
      if (first === undefined || at < first.at) {
        this.differing.set(name, { gpu: this.#gpu, series: name, at, values: [kept, value] });
      }
    }
    if ((set === 0) === (keptSet === 0)) cells[cell] = Math.max(value, kept);
    else if (set === 0) cells[cell] = value;
    this.#setOf[cell] = this.#table.holders.merge(keptSet, set);
  }

  /** Notes a mark. Several rows of one series may end at once: the mark ends the holds of all their holders. */
  #mark(marks: Map<number, number>, cell: number, set: number): void {
    const known = marks.get(cell) ?? 0;
    marks.set(cell, known === 0 || set === 0 ? known + set : this.#table.holders.merge(known, set));
  }
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
