/** Cuts off the readings of a batch that are later than a given time. */
import type { Series } from "../model/reading.ts";
import type { Batch, Block } from "./batch.ts";
import { packColumns, unpackColumns } from "./columns.ts";

/** Returns undefined if nothing is left of the block, or if its columns are damaged. */
function blockUntil(block: Block, last: number): Block | undefined {
  if (block.to <= last) return block;
  if (block.from > last) return undefined;
  const columns = unpackColumns(block.packed);
  if (!columns.ok) return undefined;
  const times = columns.value.at.findLastIndex((time) => time <= last) + 1;
  const at = columns.value.at.subarray(0, times);
  const series: number[] = [];
  const values: Float64Array[] = [];
  let readings = 0;
  for (const [column, all] of columns.value.values.entries()) {
    const kept = all.subarray(0, times);
    const count = kept.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : 1), 0);
    if (count === 0) continue;
    readings += count;
    series.push(block.series[column] as number);
    values.push(kept);
  }
  if (readings === 0) return undefined;
  return { ...block, to: at[times - 1] as number, readings, series, packed: packColumns({ at, values }) };
}

/**
 * Returns the batch without readings after `last`: the same object if it has none, undefined if no reading is left.
 * Its sightings and `lastAt` are not cut.
 */
export function batchUntil(batch: Batch, last: number): Batch | undefined {
  if (batch.lastAt <= last) return batch;
  const blocks = batch.blocks.flatMap((block) => blockUntil(block, last) ?? []);
  if (blocks.length === 0) return undefined;
  const gpus = new Set(blocks.map(({ gpu }) => gpu));
  const used = [...new Set(blocks.flatMap(({ series }) => series))].sort((a, b) => a - b);
  const placeOf = new Map(used.map((number, place) => [number, place]));
  return {
    ...batch,
    readings: blocks.reduce((sum, { readings }) => sum + readings, 0),
    sightings: batch.sightings.filter(({ facts }) => gpus.has(facts.uuid)),
    series: used.map((number) => batch.series[number] as Series),
    blocks: blocks.map((block) => ({ ...block, series: block.series.map((number) => placeOf.get(number) as number) })),
  };
}
