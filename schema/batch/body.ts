/**
 * Writes and reads the body of an encoded batch: texts, sightings, series, evidence, lists of series and blocks.
 * Format: see FORMATS.md.
 */

import type { GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";
import { type Batch, type BatchHeader, BLOCK_SPAN_MS, type Block } from "./batch.ts";
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { shapeOfColumns } from "./columns.ts";
import type { Evidence } from "./evidence.ts";
import { EvidenceTable, readEvidenceTable, TEXTS_OF_HOLDER } from "./evidence-codec.ts";
import { readList } from "./list.ts";
import { readSighting, readSpan, sightingNumbers, TEXTS_OF_SIGHTING } from "./sighting-codec.ts";
import { TextTable, WrittenTexts } from "./text-table.ts";

export function writeBody(out: ByteWriter, batch: Batch): void {
  const { v, firstAt, sightings, series, blocks } = batch;
  const table = new TextTable();
  const rows = sightings.map((sighting) => sightingNumbers(sighting, batch, table));
  const names = series.map((name) => table.number(name));
  const uuids = blocks.map(({ gpu }) => table.number(gpu));
  const evidence = v === 1 ? undefined : new EvidenceTable(blocks);
  const holders = evidence?.holderNumbers(table);
  table.write(out);
  out.varint(rows.length);
  for (const row of rows) for (const number of row) out.varint(number);
  out.varint(names.length);
  for (const name of names) out.varint(name);
  if (holders !== undefined) evidence?.write(out, holders);
  const lists = numberLists(blocks);
  out.varint(lists.distinct.length);
  for (const list of lists.distinct) {
    out.varint(list.length);
    for (const number of list) out.varint(number);
  }
  out.varint(blocks.length);
  for (const [index, block] of blocks.entries()) {
    const { from, to, readings, marks, series: list, packed } = block;
    out.varint(uuids[index] as number);
    out.varint(from - firstAt);
    out.varint(to - from);
    out.varint(readings);
    if (evidence !== undefined) out.varint(marks);
    out.varint(lists.numbers.get(list) as number);
    if (evidence !== undefined) out.varint(evidence.number(block.evidence));
    out.varint(packed.length);
    out.bytes(packed);
  }
}

/** Numbers the distinct lists of series. An array that several blocks share is compared only once. */
function numberLists(blocks: readonly Block[]) {
  const distinct: (readonly number[])[] = [];
  const byContent = new Map<string, number>();
  const numbers = new Map<readonly number[], number>();
  for (const { series } of blocks) {
    if (numbers.has(series)) continue;
    const key = series.join();
    const number = byContent.get(key) ?? distinct.push(series) - 1;
    byContent.set(key, number);
    numbers.set(series, number);
  }
  return { distinct, numbers };
}

function readSeriesList(from: ByteReader, seriesCount: number, most: number): readonly number[] {
  let next = 0;
  return readList(from, most, "columns", () => {
    const number = from.bounded(seriesCount - 1, "number of a series");
    if (number < next) throw new DamagedBytes("series of a block must be in ascending order");
    next = number + 1;
    return number;
  });
}

interface Read {
  readonly header: BatchHeader;
  readonly texts: WrittenTexts;
  readonly lists: readonly (readonly number[])[];
  readonly evidence: readonly Evidence[];
  readonly seen: ReadonlySet<GpuUuid>;
}

/** @param left the header's numbers of readings and marks, minus those of the blocks before this one */
function readBlock(
  from: ByteReader,
  left: { readings: number; marks: number },
  { header, texts, lists, evidence: all, seen }: Read,
): Block {
  const gpu = texts.uuid(from);
  if (!seen.has(gpu)) throw new DamagedBytes(`${gpu} has readings but no sighting`);
  const span = readSpan(from, header);
  if (Math.floor(span.from / BLOCK_SPAN_MS) !== Math.floor(span.to / BLOCK_SPAN_MS)) {
    throw new DamagedBytes(`a block of ${gpu} crosses an hour`);
  }
  const readings = from.bounded(left.readings, "number of a block's readings");
  const marks = header.v === 1 ? 0 : from.bounded(left.marks, "number of a block's marks");
  const series = lists[from.bounded(lists.length - 1, "number of a list")] as readonly number[];
  const evidence = header.v === 1 ? null : (all[from.bounded(all.length, "number of evidence") - 1] ?? null);
  const packed = from.bytes(from.varint());
  const { times, columns, hasMarks } = shapeOfColumns(packed);
  const filled = readings + marks;
  const isPossible = filled >= Math.max(times, columns) && filled <= times * columns && hasMarks === marks > 0;
  if (columns !== series.length || !isPossible) {
    throw new DamagedBytes(
      `a block of ${readings} readings, ${marks} marks and ${series.length} series holds ${times} times and ${columns} columns`,
    );
  }
  if (evidence !== null) checkEvidence(evidence, times, columns);
  return { gpu, ...span, readings, marks, series, packed, evidence };
}

function checkEvidence({ tracks, ofColumn }: Evidence, times: number, columns: number): void {
  const lastTick = Math.max(...tracks.map((track) => track.at(-1)?.tick ?? 0));
  if (lastTick >= times) throw new DamagedBytes(`a run of ${times} times must begin within them, got ${lastTick}`);
  if (ofColumn !== null && ofColumn.length !== columns)
    throw new DamagedBytes(`evidence of ${columns} columns has tracks of ${ofColumn.length}`);
}

/**
 * Reads the body. The header's number of readings bounds the blocks, the lists, the series and the columns of all
 * lists; `maxItems` bounds sightings, lists and blocks. Sightings may outnumber the readings, because merged readings
 * leave theirs.
 * @throws DamagedBytes when `writeBody` would not write these bytes, or when they contradict the header
 */
export function readBody(from: ByteReader, header: BatchHeader, maxItems: number): Batch {
  const declared = header.readings + header.marks;
  const texts = new WrittenTexts(from, (TEXTS_OF_SIGHTING + TEXTS_OF_HOLDER) * maxItems + declared);
  const sightings = readList(from, maxItems, "sightings", () => readSighting(from, texts, header));
  const series = readList(from, declared, "series", () => texts.text(from) as Series);
  let columnsLeft = declared;
  const evidence = header.v === 1 ? [] : readEvidenceTable(from, texts, maxItems + declared);
  const lists = readList(from, Math.min(declared, maxItems), "lists", () => {
    const numbers = readSeriesList(from, series.length, columnsLeft);
    columnsLeft -= numbers.length;
    return numbers;
  });
  const seen = new Set(sightings.map(({ facts }) => facts.uuid));
  const read = { header, texts, lists, evidence, seen };
  const left = { readings: header.readings, marks: header.marks };
  const blocks = readList(from, Math.min(declared, maxItems), "blocks", () => {
    const block = readBlock(from, left, read);
    left.readings -= block.readings;
    left.marks -= block.marks;
    return block;
  });
  if (from.left > 0) throw new DamagedBytes(`${from.left} bytes follow the last block`);
  if (left.readings + left.marks > 0) {
    throw new DamagedBytes(`the blocks lack ${left.readings} readings and ${left.marks} marks of the header`);
  }
  return { ...header, sightings, series, blocks };
}
