/**
 * Writes and reads the body of an encoded batch: texts, sightings, series, lists of series and blocks. Format: see
 * FORMATS.md.
 */

import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";
import { type Batch, type BatchHeader, BLOCK_SPAN_MS, type Block, type Sighting } from "./batch.ts";
import { type ByteReader, DamagedBytes } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { shapeOfColumns } from "./columns.ts";
import { TextTable, WrittenTexts } from "./text-table.ts";

/** How many fields of a sighting are texts. */
const TEXTS_OF_SIGHTING = 9;

export function writeBody(out: ByteWriter, { firstAt, sightings, series, blocks }: Batch): void {
  const table = new TextTable();
  const rows = sightings.map(({ facts, from, to }) => [
    table.number(facts.uuid),
    table.number(facts.index),
    table.number(facts.device),
    table.number(facts.model),
    table.number(facts.host),
    table.number(facts.driver),
    table.number(facts.container),
    table.number(facts.pod),
    table.number(facts.namespace),
    from - firstAt,
    to - from,
  ]);
  const names = series.map((name) => table.number(name));
  const uuids = blocks.map(({ gpu }) => table.number(gpu));
  table.write(out);
  out.varint(rows.length);
  for (const row of rows) for (const number of row) out.varint(number);
  out.varint(names.length);
  for (const name of names) out.varint(name);
  const lists = numberLists(blocks);
  out.varint(lists.distinct.length);
  for (const list of lists.distinct) {
    out.varint(list.length);
    for (const number of list) out.varint(number);
  }
  out.varint(blocks.length);
  for (const [index, { from, to, readings, series, packed }] of blocks.entries()) {
    out.varint(uuids[index] as number);
    out.varint(from - firstAt);
    out.varint(to - from);
    out.varint(readings);
    out.varint(lists.numbers.get(series) as number);
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

/** Reads a list. Every item takes at least one byte, so a count above the number of bytes left is refused at once. */
function list<T>(from: ByteReader, max: number, what: string, read: () => T): T[] {
  const count = from.bounded(Math.min(max, from.left), `number of ${what}`);
  const items: T[] = [];
  while (items.length < count) items.push(read());
  return items;
}

/** Reads `from` and `to`, both within the times of the header. */
function readSpan(from: ByteReader, { firstAt, lastAt }: BatchHeader) {
  const begin = firstAt + from.bounded(lastAt - firstAt, "begin of a span");
  return { from: begin, to: begin + from.bounded(lastAt - begin, "length of a span") };
}

function readSighting(from: ByteReader, texts: WrittenTexts, header: BatchHeader): Sighting {
  const facts: GpuFacts = {
    uuid: texts.uuid(from),
    index: texts.text(from),
    device: texts.text(from),
    model: texts.text(from),
    host: texts.text(from),
    driver: texts.optional(from),
    container: texts.optional(from),
    pod: texts.optional(from),
    namespace: texts.optional(from),
  };
  return { facts, ...readSpan(from, header) };
}

function readSeriesList(from: ByteReader, seriesCount: number, most: number): readonly number[] {
  let next = 0;
  return list(from, most, "columns", () => {
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
  readonly seen: ReadonlySet<GpuUuid>;
}

/** @param left the header's number of readings, minus the readings of the blocks before this one */
function readBlock(from: ByteReader, left: number, { header, texts, lists, seen }: Read): Block {
  const gpu = texts.uuid(from);
  if (!seen.has(gpu)) throw new DamagedBytes(`${gpu} has readings but no sighting`);
  const span = readSpan(from, header);
  if (Math.floor(span.from / BLOCK_SPAN_MS) !== Math.floor(span.to / BLOCK_SPAN_MS)) {
    throw new DamagedBytes(`a block of ${gpu} crosses an hour`);
  }
  const readings = from.bounded(left, "number of a block's readings");
  const series = lists[from.bounded(lists.length - 1, "number of a list")] as readonly number[];
  const packed = from.bytes(from.varint());
  const { times, columns } = shapeOfColumns(packed);
  if (columns !== series.length || readings < Math.max(times, columns) || readings > times * columns) {
    throw new DamagedBytes(
      `a block of ${readings} readings and ${series.length} series holds ${times} times and ${columns} columns`,
    );
  }
  return { gpu, ...span, readings, series, packed };
}

/**
 * Reads the body. The header's number of readings bounds the blocks, the lists, the series and the columns of all
 * lists; `maxItems` bounds sightings, lists and blocks. Sightings may outnumber the readings, because merged readings
 * leave theirs.
 * @throws DamagedBytes when `writeBody` would not write these bytes, or when they contradict the header
 */
export function readBody(from: ByteReader, header: BatchHeader, maxItems: number): Batch {
  const declared = header.readings;
  const texts = new WrittenTexts(from, TEXTS_OF_SIGHTING * maxItems + declared);
  const sightings = list(from, maxItems, "sightings", () => readSighting(from, texts, header));
  const series = list(from, declared, "series", () => texts.text(from) as Series);
  let columnsLeft = declared;
  const lists = list(from, Math.min(declared, maxItems), "lists", () => {
    const numbers = readSeriesList(from, series.length, columnsLeft);
    columnsLeft -= numbers.length;
    return numbers;
  });
  const seen = new Set(sightings.map(({ facts }) => facts.uuid));
  const read = { header, texts, lists, seen };
  let readings = 0;
  const blocks = list(from, Math.min(declared, maxItems), "blocks", () => {
    const block = readBlock(from, declared - readings, read);
    readings += block.readings;
    return block;
  });
  if (from.left > 0) throw new DamagedBytes(`${from.left} bytes follow the last block`);
  if (readings !== header.readings) {
    throw new DamagedBytes(`the header has ${header.readings} readings, the blocks hold ${readings}`);
  }
  return { ...header, sightings, series, blocks };
}
