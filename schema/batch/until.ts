/** Cuts off the readings of a batch that are later than a given time. */
import type { Series } from "../model/reading.ts";
import type { Batch, Block } from "./batch.ts";
import { packColumns, unpackColumns } from "./columns.ts";
import { cutEvidence } from "./evidence.ts";

/** Returns undefined if nothing is left of the block, or if its columns are damaged. */
function blockUntil(block: Block, last: number): Block | undefined {
  if (block.to <= last) return block;
  if (block.from > last) return undefined;
  const columns = unpackColumns(block.packed);
  if (!columns.ok) return undefined;
  const times = columns.value.at.findLastIndex((time) => time <= last) + 1;
  const at = columns.value.at.subarray(0, times);
  const series: number[] = [];
  const kept: number[] = [];
  const values: Float64Array[] = [];
  let readings = 0;
  for (const [column, all] of columns.value.values.entries()) {
    const cells = all.subarray(0, times);
    const count = cells.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : 1), 0);
    if (count === 0) continue;
    readings += count;
    series.push(block.series[column] as number);
    kept.push(column);
    values.push(cells);
  }
  if (readings === 0) return undefined;
  const packed = packColumns({ at, values, marks: [] });
  const evidence = block.evidence && cutEvidence(block.evidence, times, kept);
  return { ...block, to: at[times - 1] as number, readings, marks: 0, series, packed, evidence };
}

/**
 * Returns the batch without readings after `last`: the same object if it has none, undefined if no reading is left.
 * Its sightings and `lastAt` are not cut, and the marks of a block that is cut are left out.
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
    marks: blocks.reduce((sum, { marks }) => sum + marks, 0),
    sightings: batch.sightings.filter(({ facts }) => gpus.has(facts.uuid)),
    series: used.map((number) => batch.series[number] as Series),
    blocks: blocks.map((block) => ({ ...block, series: block.series.map((number) => placeOf.get(number) as number) })),
  };
}
