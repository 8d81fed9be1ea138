/**
 * Regroups readings that arrive metric by metric into a batch of whole GPUs. Two readings of one series and time are
 * one: the larger value wins. What comes out depends on the readings alone, not on the order in which they came.
 */

import type { GpuFacts } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";
import type { Batch, Block, Sighting } from "./batch.ts";
import { BlockCutter } from "./block-cutter.ts";
import { ReadingLog } from "./reading-log.ts";
import { sightingsOf } from "./sightings.ts";
import { SlotTable } from "./slot-table.ts";

/** Facts and series are interned once by `slot()`; per reading only numbers move. */
export interface BatchBuilder {
  /** Readings added since the last `take()`, before merging. */
  readonly size: number;
  /**
   * A number that stands for this GPU with these facts and this series; stable for the builder's life, which keeps
   * every combination it was ever asked for. Where pods come and go, its owner replaces the builder now and then.
   */
  slot(facts: GpuFacts, series: Series): number;
  /** `at`: whole milliseconds after 1970; `value`: finite. */
  add(slot: number, at: number, value: number): void;
  /**
   * Seals everything added, one reading at least; the builder is empty afterwards, its slots stay valid. Sightings are
   * in order of uuid and time: one for each stretch of a GPU's times at which it had the same facts. Where facts differ
   * at one time (a shared GPU) their sightings overlap. Blocks are in order of uuid and time too; a GPU has one in an
   * hour, more only when its times and series are too many and too scattered for `MAX_BLOCK_CELLS`.
   */
  take(header: { producer: string; epoch: number; seq: number }): Batch;
  /** (series, time) pairs that came twice and were merged, and those of them whose values differed; running totals. */
  readonly merged: { readonly same: number; readonly differing: number };
}

/** The series that the blocks use, by name, and the blocks with their places in that list. */
function withSeries(blocks: readonly Block[], table: SlotTable): Pick<Batch, "series" | "blocks"> {
  const { ranks, texts } = table.series;
  const lists = new Map<readonly number[], readonly number[]>();
  for (const { series } of blocks) lists.set(series, series);
  const used = [...new Set([...lists.keys()].flat())].sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
  const placeOf = new Map(used.map((number, place) => [number, place]));
  for (const list of lists.keys()) {
    lists.set(
      list,
      list.map((number) => placeOf.get(number) as number),
    );
  }
  return {
    series: used.map((number) => texts[number] as Series),
    blocks: blocks.map(({ gpu, from, to, readings, series, packed }) => {
      return { gpu, from, to, readings, series: lists.get(series) as readonly number[], packed };
    }),
  };
}

export function createBatchBuilder(): BatchBuilder {
  const table = new SlotTable();
  const log = new ReadingLog();
  const cutter = new BlockCutter(table);
  return {
    get size() {
      return log.size;
    },
    slot: (facts, series) => table.slot(facts, series),
    add: (slot, at, value) => log.add(slot, at, value),
    take({ producer, epoch, seq }) {
      if (log.size === 0) throw new RangeError("A batch has one reading at least");
      const cut: Block[] = [];
      const sightings: Sighting[] = [];
      for (const readings of log.byGpu(table)) {
        cutter.cut(readings, cut);
        for (const sighting of sightingsOf(readings, table)) sightings.push(sighting);
      }
      log.clear();
      let readings = 0;
      let firstAt = Number.POSITIVE_INFINITY;
      let lastAt = 0;
      for (const block of cut) {
        readings += block.readings;
        firstAt = Math.min(firstAt, block.from);
        lastAt = Math.max(lastAt, block.to);
      }
      return { v: 1, producer, epoch, seq, readings, firstAt, lastAt, sightings, ...withSeries(cut, table) };
    },
    merged: cutter.merged,
  };
}
