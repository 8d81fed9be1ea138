/**
 * Batch ⇄ bytes, versioned.
 *
 * Two magic bytes, version, checksum (CRC-32 of all that follows), header, then the body: its length, and itself
 * compressed (zstd level 1). The body: a table of texts, sightings, series, and each block with its packed columns.
 */
import { crc32, constants as zlib, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Batch, BatchHeader, Block, Sighting } from "./batch.ts";
import { ByteReader, DamagedBytes } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type GpuFacts, type GpuUuid, parseGpuUuid } from "./gpu.ts";
import type { Series } from "./reading.ts";
import { fail, ok, type Result } from "./result.ts";

const MAGIC = 0x4247;
const VERSION = 1;
const HEAD_BYTES = 7;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_TEXT_BYTES = 64 * 1024;
const COMPRESSION = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } };

/** Each text once; 0 stands for null. */
class TextTable {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string | null): number {
    if (text === null) return 0;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      this.texts.push(text);
      number = this.texts.length;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

function writeHeader(out: ByteWriter, batch: BatchHeader): void {
  out.text(batch.producer);
  for (const number of [batch.epoch, batch.seq, batch.readings, batch.firstAt]) out.varint(number);
  out.varint(batch.lastAt - batch.firstAt);
}

function readHeader(from: ByteReader): BatchHeader {
  const producer = from.text(MAX_TEXT_BYTES);
  const epoch = from.varint();
  const seq = from.varint();
  const readings = from.varint();
  const firstAt = from.varint();
  return { v: VERSION, producer, epoch, seq, readings, firstAt, lastAt: firstAt + from.varint() };
}

function writeBody(out: ByteWriter, { firstAt, sightings, series, blocks }: Batch): void {
  const table = new TextTable();
  const rows = sightings.map(({ facts, from, to }) => [
    ...[facts.uuid, facts.index, facts.device, facts.model, facts.host].map((text) => table.number(text)),
    ...[facts.driver, facts.container, facts.pod, facts.namespace].map((text) => table.number(text)),
    from - firstAt,
    to - from,
  ]);
  const names = series.map((name) => table.number(name));
  const uuids = blocks.map(({ gpu }) => table.number(gpu));
  out.varint(table.texts.length);
  for (const text of table.texts) out.text(text);
  out.varint(rows.length);
  for (const row of rows) for (const number of row) out.varint(number);
  out.varint(names.length);
  for (const name of names) out.varint(name);
  out.varint(blocks.length);
  for (const [index, block] of blocks.entries()) {
    out.varint(uuids[index] as number);
    out.varint(block.from - firstAt);
    out.varint(block.to - block.from);
    out.varint(block.readings);
    out.varint(block.series.length);
    for (const number of block.series) out.varint(number);
    out.varint(block.packed.length);
    out.bytes(block.packed);
  }
}

/** Deterministic on one runtime: equal batches give equal bytes. Times are at or after 1970. */
export function encodeBatch(batch: Batch): Uint8Array {
  const out = new ByteWriter(64 * 1024);
  writeBody(out, batch);
  const length = out.length;
  const body = zstdCompressSync(out.view(), COMPRESSION);
  out.reset();
  out.byte(MAGIC & 0xff);
  out.byte(MAGIC >> 8);
  out.byte(VERSION);
  out.uint32(0);
  writeHeader(out, batch);
  out.varint(length);
  out.bytes(body);
  const bytes = out.take();
  new DataView(bytes.buffer).setUint32(3, crc32(bytes.subarray(HEAD_BYTES)), true);
  return bytes;
}

/** The texts of a batch by number; what they stand for is checked where it is read. */
class Texts {
  readonly #texts: readonly string[];
  readonly #uuids = new Map<number, GpuUuid>();

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  optional(from: ByteReader): string | null {
    const number = from.bounded(this.#texts.length, "number of a text");
    return number === 0 ? null : (this.#texts[number - 1] as string);
  }

  text(from: ByteReader): string {
    const text = this.optional(from);
    if (text === null) throw new DamagedBytes("a text is missing");
    return text;
  }

  uuid(from: ByteReader): GpuUuid {
    const number = from.bounded(this.#texts.length, "number of a uuid");
    let uuid = this.#uuids.get(number);
    if (uuid === undefined) {
      const parsed = parseGpuUuid(this.#texts[number - 1] ?? "");
      if (!parsed.ok) throw new DamagedBytes(parsed.error);
      uuid = parsed.value;
      this.#uuids.set(number, uuid);
    }
    return uuid;
  }
}

function readSighting(from: ByteReader, texts: Texts, firstAt: number): Sighting {
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
  const begin = firstAt + from.varint();
  return { facts, from: begin, to: begin + from.varint() };
}

function readBlock(from: ByteReader, texts: Texts, firstAt: number, seriesCount: number): Block {
  const gpu = texts.uuid(from);
  const begin = firstAt + from.varint();
  const to = begin + from.varint();
  const readings = from.varint();
  const columns = from.bounded(seriesCount, "number of columns");
  const series = Array.from({ length: columns }, () => from.bounded(seriesCount - 1, "number of a series"));
  return { gpu, from: begin, to, readings, series, packed: from.bytes(from.varint()) };
}

/** Every item takes a byte at least, so a damaged count never makes more than the bytes can hold. */
const list = <T>(from: ByteReader, what: string, read: () => T): T[] =>
  Array.from({ length: from.bounded(from.left, what) }, read);

function readBody(from: ByteReader, header: BatchHeader): Batch {
  const texts = new Texts(list(from, "number of texts", () => from.text(MAX_TEXT_BYTES)));
  const sightings = list(from, "number of sightings", () => readSighting(from, texts, header.firstAt));
  const series = list(from, "number of series", () => texts.text(from) as Series);
  const blocks = list(from, "number of blocks", () => readBlock(from, texts, header.firstAt, series.length));
  if (from.left > 0) throw new DamagedBytes(`${from.left} bytes too many`);
  const readings = blocks.reduce((sum, block) => sum + block.readings, 0);
  if (readings !== header.readings) {
    throw new DamagedBytes(`the header says ${header.readings} readings, the blocks hold ${readings}`);
  }
  return { ...header, sightings, series, blocks };
}

/** Behind version and checksum, which have been found right. */
function openBytes(bytes: Uint8Array): ByteReader {
  const from = new ByteReader(bytes);
  if (bytes.length < HEAD_BYTES || from.byte() + from.byte() * 256 !== MAGIC) throw new DamagedBytes("it is no batch");
  const version = from.byte();
  if (version !== VERSION) throw new DamagedBytes(`it has version ${version}, known is ${VERSION}`);
  if (from.uint32() !== crc32(bytes.subarray(HEAD_BYTES))) throw new DamagedBytes("the checksum does not fit");
  return from;
}

function attempt<T>(read: () => T): Result<T> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof DamagedBytes) return fail(`Cannot decode the batch: ${error.message}`);
    throw error;
  }
}

function decompress(bytes: Uint8Array, length: number): Uint8Array {
  try {
    const body = zstdDecompressSync(bytes, { maxOutputLength: length });
    if (body.length === length) return body;
  } catch (cause) {
    throw new DamagedBytes("the body cannot be decompressed", { cause });
  }
  throw new DamagedBytes(`the body is not of ${length} bytes`);
}

/** An unknown version or damaged bytes (checksum) is an error that says which. */
export const decodeBatch = (bytes: Uint8Array): Result<Batch> =>
  attempt(() => {
    const from = openBytes(bytes);
    const header = readHeader(from);
    const length = from.bounded(MAX_BODY_BYTES, "length of the body");
    return readBody(new ByteReader(decompress(from.bytes(from.left), length)), header);
  });
