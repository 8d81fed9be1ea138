/** One GPU's readings → blocks: cut at full hours, columns in order of series, doubles merged. */
import { BLOCK_SPAN_MS, type Block } from "./batch.ts";
import { ColumnPacker, MAX_BLOCK_CELLS } from "./columns.ts";
import type { GpuReadings } from "./reading-log.ts";
import type { SlotTable } from "./slot-table.ts";

/** Readings `start` to `end` of one GPU, and how large their table is. */
interface Cut {
  readonly start: number;
  readonly end: number;
  readonly times: number;
  /** Numbers of the series in it, in order of their names. */
  readonly series: readonly number[];
}

const hourOf = (at: number): number => Math.floor(at / BLOCK_SPAN_MS);

export class BlockCutter {
  readonly merged = { same: 0, differing: 0 };
  readonly #table: SlotTable;
  readonly #packer = new ColumnPacker();
  /** Series → its column in the cut at hand. */
  #columnOf = new Int32Array(64);
  #cells = new Float64Array(4096);

  constructor(table: SlotTable) {
    this.#table = table;
  }

  /** In order of time. `series` of a block holds the table's numbers. */
  cut(readings: GpuReadings): Block[] {
    const { at } = readings;
    const blocks: Block[] = [];
    for (let start = 0, end: number; start < at.length; start = end) {
      const hour = hourOf(at[start] as number);
      end = start + 1;
      while (end < at.length && hourOf(at[end] as number) === hour) end++;
      this.#cutHour(readings, start, end, blocks);
    }
    return blocks;
  }

  /** Halves what is too scattered to be a table. */
  #cutHour(readings: GpuReadings, start: number, end: number, blocks: Block[]): void {
    const cut = this.#measure(readings, start, end);
    if (cut.times * cut.series.length <= MAX_BLOCK_CELLS || cut.times === 1) {
      blocks.push(this.#block(readings, cut));
      return;
    }
    const { at } = readings;
    let middle = (start + end) >> 1;
    while (middle < end && at[middle] === at[middle - 1]) middle++;
    if (middle === end) {
      middle = (start + end) >> 1;
      while (at[middle] === at[middle - 1]) middle--;
    }
    this.#cutHour(readings, start, middle, blocks);
    this.#cutHour(readings, middle, end, blocks);
  }

  #measure({ slots, at }: GpuReadings, start: number, end: number): Cut {
    const { ranks } = this.#table.series;
    if (this.#columnOf.length < ranks.length) this.#columnOf = new Int32Array(ranks.length * 2);
    const columnOf = this.#columnOf;
    columnOf.fill(-1, 0, ranks.length);
    const series: number[] = [];
    let times = 1;
    for (let index = start; index < end; index++) {
      if (index > start && at[index] !== at[index - 1]) times++;
      const number = this.#table.of(slots[index] as number).series;
      if (columnOf[number] !== -1) continue;
      columnOf[number] = 0;
      series.push(number);
    }
    series.sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
    for (const [column, number] of series.entries()) columnOf[number] = column;
    return { start, end, times, series };
  }

  #block({ gpu, slots, at, values }: GpuReadings, { start, end, times, series }: Cut): Block {
    const size = times * series.length;
    if (this.#cells.length < size) this.#cells = new Float64Array(size * 2);
    const cells = this.#cells.fill(Number.NaN, 0, size);
    const ticks = new Float64Array(times);
    let tick = 0;
    let readings = 0;
    ticks[0] = at[start] as number;
    for (let index = start; index < end; index++) {
      const time = at[index] as number;
      if (time !== ticks[tick]) ticks[++tick] = time;
      const column = this.#columnOf[this.#table.of(slots[index] as number).series] as number;
      const cell = column * times + tick;
      const value = values[index] as number;
      const kept = cells[cell] as number;
      if (Number.isNaN(kept)) {
        cells[cell] = value;
        readings++;
        continue;
      }
      if (value === kept) this.merged.same++;
      else this.merged.differing++;
      // Of the two zeros the positive one is larger.
      if (value > kept || (value === kept && 1 / value > 1 / kept)) cells[cell] = value;
    }
    const columns = series.map((_, column) => cells.subarray(column * times, (column + 1) * times));
    const packed = this.#packer.pack({ at: ticks, values: columns });
    return { gpu, from: ticks[0] as number, to: ticks[times - 1] as number, readings, series, packed };
  }
}
