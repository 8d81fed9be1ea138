/**
 * Regroups readings that arrive metric by metric into a batch that is grouped by GPU. Two readings of one series and
 * time are merged: a row without a holder wins over rows with one, and among equals the larger value wins. The result
 * depends on the readings alone, not on their order.
 */

import type { GpuFacts } from "../model/gpu.ts";
import type { HolderSet } from "../model/holder.ts";
import type { Series } from "../model/reading.ts";
import type { Batch, Block, Sighting } from "./batch.ts";
import { BlockCutter, type DifferingRows } from "./block-cutter.ts";
import { ReadingLog } from "./reading-log.ts";
import { sightingsOf } from "./sightings.ts";
import { SlotTable } from "./slot-table.ts";

/** `slot()` interns facts, series and holders once, so that `add()` handles only numbers. */
export interface BatchBuilder {
  /** Readings added since the last `take()`, before merging. */
  readonly size: number;
  /**
   * Returns the number of this combination of facts, series and holders, valid for the life of the builder. The
   * builder never forgets a combination. New pods bring new ones, so the owner must replace it from time to time.
   */
  slot(facts: GpuFacts, series: Series, holders: HolderSet): number;
  /**
   * Adds a reading, or with NaN a stale mark: the series with these holders no longer exists. A mark is dropped if the
   * series has a reading at that time. `at`: whole milliseconds since the epoch, not negative; `value`: finite or NaN.
   */
  add(slot: number, at: number, value: number): void;
  /**
   * Returns everything added as a batch, and empties the builder; its slots stay valid.
   * - Sightings are sorted by uuid and time: one for each stretch of time in which a GPU had the same facts. Where
   *   facts differ at one time (a shared GPU), their sightings overlap.
   * - Blocks are sorted by uuid and time. A GPU has one block per hour, or more if its readings are too scattered for
   *   `MAX_BLOCK_CELLS`.
   * @throws RangeError when nothing was added
   */
  take(header: { producer: string; epoch: number; seq: number }): Batch;
  /** Running totals of merged duplicates: with the same value, and with differing values. */
  readonly merged: { readonly same: number; readonly differing: number };
  /** By series: the earliest duplicates in the last batch that had differing values. */
  readonly differing: ReadonlyMap<Series, DifferingRows>;
}

/** Lists the series that the blocks use, sorted by name, and renumbers the blocks accordingly. */
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
    blocks: blocks.map((block) => ({ ...block, series: lists.get(block.series) as readonly number[] })),
  };
}

/**
 * @param version of the batches. Version 1 drops marks, and keeps one pod as the holder of all readings of a GPU at one
 *   time
 */
export function createBatchBuilder(version: Batch["v"]): BatchBuilder {
  const table = new SlotTable(version === 1);
  const log = new ReadingLog();
  const cutter = new BlockCutter(table, version);
  return {
    get size() {
      return log.size;
    },
    slot: (facts, series, holders) => table.slot(facts, series, holders),
    add: (slot, at, value) => {
      if (version > 1 || !Number.isNaN(value)) log.add(slot, at, value);
    },
    take({ producer, epoch, seq }) {
      if (log.size === 0) throw new RangeError("A batch must have at least one reading, got none");
      cutter.differing.clear();
      const cut: Block[] = [];
      const sightings: Sighting[] = [];
      for (const readings of log.byGpu(table)) {
        cutter.cut(readings, cut);
        for (const sighting of sightingsOf(readings, table)) sightings.push(sighting);
      }
      log.clear();
      let readings = 0;
      let marks = 0;
      let firstAt = Number.POSITIVE_INFINITY;
      let lastAt = 0;
      for (const block of cut) {
        readings += block.readings;
        marks += block.marks;
        firstAt = Math.min(firstAt, block.from);
        lastAt = Math.max(lastAt, block.to);
      }
      return {
        v: version,
        producer,
        epoch,
        seq,
        readings,
        marks,
        firstAt,
        lastAt,
        sightings,
        ...withSeries(cut, table),
      };
    },
    merged: cutter.merged,
    differing: cutter.differing,
  };
}
