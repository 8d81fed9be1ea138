/**
 * Encodes and decodes batches: magic bytes, version, checksum, header and compressed body, which `body.ts` writes.
 * Format: see FORMATS.md.
 */
import { crc32, constants as zlib, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AppError, isAppError } from "../model/errors.ts";
import { fail, ok, type Result } from "../model/result.ts";
import type { Batch, BatchHeader } from "./batch.ts";
import { readBody, writeBody } from "./body.ts";
import { ByteReader, DamagedBytes } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";

const MAGIC = 0x4247;
/** The versions that this release reads and writes. */
const NEWEST_VERSION = 2;
const HEAD_BYTES = 7;
const MAX_PRODUCER_BYTES = 4096;
const MAX_BATCH_READINGS = 1 << 20;
const MAX_BODY_BYTES = 256 * 1024 * 1024;
/**
 * A body above `SMALL_BODY_BYTES` may be at most this many times its compressed size, so that a small message cannot
 * unpack to a lot of memory. Readings compress up to about 20 times; only long, nearly equal texts compress further.
 */
const MAX_RATIO = 256;
const SMALL_BODY_BYTES = 1024 * 1024;
/**
 * A batch may have this many sightings, and as many lists and blocks: enough for a batch of 65,536 readings. A larger
 * batch has more compressed bytes, and may have `ITEMS_PER_BYTE` more of each per compressed byte.
 */
const SMALL_BATCH_ITEMS = 65_536;
const ITEMS_PER_BYTE = 4;
/** The last millisecond that a Date can represent. */
const MAX_TIME = 8.64e15;
const COMPRESSION = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } };

const maxBodyBytes = (compressed: number): number =>
  Math.min(MAX_BODY_BYTES, Math.max(SMALL_BODY_BYTES, compressed * MAX_RATIO));

function writeHeader(out: ByteWriter, batch: BatchHeader): void {
  out.text(batch.producer);
  out.varint(batch.epoch);
  out.varint(batch.seq);
  out.varint(batch.readings);
  if (batch.v > 1) out.varint(batch.marks);
  out.varint(batch.firstAt);
  out.varint(batch.lastAt - batch.firstAt);
}

function readHeader({ from, v }: OpenBatch): BatchHeader {
  const producer = from.text(MAX_PRODUCER_BYTES);
  const epoch = from.varint();
  const seq = from.varint();
  const readings = from.bounded(MAX_BATCH_READINGS, "number of readings");
  const marks = v === 1 ? 0 : from.bounded(MAX_BATCH_READINGS - readings, "number of marks");
  const firstAt = from.bounded(MAX_TIME, "first time");
  const span = from.bounded(MAX_TIME - firstAt, "time from first to last");
  return { v, producer, epoch, seq, readings, marks, firstAt, lastAt: firstAt + span };
}

/**
 * Encodes a batch, whose times must be from 1970 on. Equal batches give equal bytes on the same runtime; between
 * runtimes, zstd may differ.
 * @throws AppError `too_large` for more than 1,048,576 readings, a body above 256 MiB, a body above 1 MiB that
 *   compresses to less than a 256th, or a producer's name that may exceed 4 KiB in UTF-8 (more than 1,365 characters)
 */
export function encodeBatch(batch: Batch): Uint8Array {
  const out = new ByteWriter();
  writeBody(out, batch);
  const length = out.length;
  if (
    batch.readings + batch.marks > MAX_BATCH_READINGS ||
    length > MAX_BODY_BYTES ||
    batch.producer.length > MAX_PRODUCER_BYTES / 3
  ) {
    throw new AppError(
      `Batch must have at most ${MAX_BATCH_READINGS} readings, ${MAX_BODY_BYTES} bytes and ${MAX_PRODUCER_BYTES} bytes of producer, got ${batch.readings} readings, ${length} bytes and ${batch.producer.length} characters`,
      { code: "too_large" },
    );
  }
  const body = zstdCompressSync(out.view(), COMPRESSION);
  if (length > maxBodyBytes(body.length)) {
    throw new AppError(
      `Batch must have at most ${maxBodyBytes(body.length)} bytes that compress to ${body.length}, got ${length}`,
      { code: "too_large" },
    );
  }
  out.reset();
  out.byte(MAGIC & 0xff);
  out.byte(MAGIC >> 8);
  out.byte(batch.v);
  out.uint32(0);
  writeHeader(out, batch);
  out.varint(length);
  out.bytes(body);
  const bytes = out.take();
  new DataView(bytes.buffer).setUint32(3, crc32(bytes.subarray(HEAD_BYTES)), true);
  return bytes;
}

/** Returns the encoded batch, or the error of a batch that is too large. */
export function tryToEncodeBatch(batch: Batch): Uint8Array | AppError {
  try {
    return encodeBatch(batch);
  } catch (error) {
    if (isAppError(error, "too_large")) return error;
    throw error;
  }
}

interface OpenBatch {
  readonly from: ByteReader;
  readonly v: BatchHeader["v"];
}

/** Returns a reader at the header, after checking magic bytes, version and checksum. */
function openBytes(bytes: Uint8Array): OpenBatch {
  const from = new ByteReader(bytes);
  if (bytes.length < HEAD_BYTES || from.byte() + from.byte() * 256 !== MAGIC)
    throw new DamagedBytes("it is not a batch");
  const version = from.byte();
  if (version !== 1 && version !== NEWEST_VERSION)
    throw new DamagedBytes(`version must be 1 or ${NEWEST_VERSION}, got ${version}`);
  if (from.uint32() !== crc32(bytes.subarray(HEAD_BYTES))) throw new DamagedBytes("the checksum does not match");
  return { from, v: version };
}

/** True for a batch of a version that only newer releases know. Such a batch is left for them. */
export const isNewerBatch = (bytes: Uint8Array): boolean =>
  bytes.length > 2 &&
  (bytes[0] as number) + (bytes[1] as number) * 256 === MAGIC &&
  (bytes[2] as number) > NEWEST_VERSION;

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
    if (body.length === length) return new Uint8Array(body.buffer, body.byteOffset, length);
  } catch (cause) {
    throw new DamagedBytes("the body cannot be decompressed", { cause });
  }
  throw new DamagedBytes(`the body does not have ${length} bytes`);
}

function readLength(from: ByteReader): number {
  const length = from.bounded(MAX_BODY_BYTES, "length of the body");
  const most = maxBodyBytes(from.left);
  if (length > most)
    throw new DamagedBytes(`a body of ${from.left} bytes must unpack to at most ${most}, got ${length}`);
  return length;
}

/**
 * Returns the batch, or the reason why the bytes cannot be decoded: an unknown version, a wrong checksum, or damaged
 * content. A returned batch is consistent: every block has a sighting, and all times are within those of the header.
 * Of the packed columns, only version and size have been checked; `unpackColumns` checks the rest.
 */
export const decodeBatch = (bytes: Uint8Array): Result<Batch> =>
  attempt(() => {
    const open = openBytes(bytes);
    const { from } = open;
    const header = readHeader(open);
    const length = readLength(from);
    const maxItems = SMALL_BATCH_ITEMS + ITEMS_PER_BYTE * from.left;
    return readBody(new ByteReader(decompress(from.bytes(from.left), length)), header, maxItems);
  });

/** Sizes that tell how much memory a decoded batch takes. */
export interface BatchSize {
  readonly readings: number;
  /** Bytes of the body before compression. */
  readonly bodyBytes: number;
}

/** Reads the sizes of a batch without decompressing its body. */
export const sizeOfBatch = (bytes: Uint8Array): Result<BatchSize> =>
  attempt(() => {
    const open = openBytes(bytes);
    const { readings } = readHeader(open);
    return { readings, bodyBytes: readLength(open.from) };
  });

/** Decodes the header alone, without decompressing the body. */
export const decodeBatchHeader = (bytes: Uint8Array): Result<BatchHeader> =>
  attempt(() => readHeader(openBytes(bytes)));
