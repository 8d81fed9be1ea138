/** Batches of a few hundred bytes or kilobytes that would take far more memory unpacked or decoded. */
import { crc32, zstdCompressSync } from "node:zlib";
import { ByteWriter } from "../../../schema/batch/byte-writer.ts";
import { START } from "../api/fleet.ts";

const UUID = "GPU-00000000-0000-4000-8000-000000000001";

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
const repeated = (count: number, ...item: readonly number[]): Uint8Array =>
  new Uint8Array(Buffer.alloc(count * item.length, Uint8Array.from(item)));
/** A uuid and a name. */
export const TEXTS = [2, UUID.length, ...Buffer.from(UUID), 1, 97];
const SIGHTING = [1, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0];
/** The lists of a batch of version 2 before its holders: texts, no sighting, no series. */
const NO_SERIES = [...TEXTS, 0, 0];
/** One job, and the set of it. */
const ONE_SET = [1, 1, 2, 1, 1, 0];
const PACKED = [1, 1, 1, 0, 0, 0, 0, 0];
const BLOCK = [1, 0, 0, 1, 0, PACKED.length, ...PACKED];

type Parts = readonly (readonly number[] | Uint8Array)[];

/** An encoded batch of version 1 with a valid head and checksum around any body. */
export const sealed = (readings: number, ...parts: Parts): Uint8Array => sealedAs(1, [readings], parts);
/** The same of version 2, with one reading. */
const sealed2 = (...parts: Parts): Uint8Array => sealedAs(2, [1, 0], parts);

function sealedAs(version: number, counts: readonly number[], parts: Parts): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Uint8Array.of(0x47, 0x42, version, 0, 0, 0, 0));
  out.text("csv@0/1");
  for (const number of [1, 1, ...counts, START, 0]) out.varint(number);
  const body = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  out.varint(body.length);
  out.bytes(zstdCompressSync(body));
  const bytes = out.take();
  new DataView(bytes.buffer).setUint32(3, crc32(bytes.subarray(7)), true);
  return bytes;
}

/** @returns for each part of a batch: its name, a batch with `count` of it, and the error when it is decoded */
export const bombsOf = (count: number): readonly [what: string, bytes: Uint8Array, error: RegExp][] => [
  ["texts", sealed(1, varint(14 * count), repeated(14 * count, 0)), /number of texts must be at most/],
  ["sightings", sealed(1, TEXTS, varint(count), repeated(count, ...SIGHTING)), /number of sightings must be at most/],
  ["series", sealed(1, TEXTS, [0], varint(count), repeated(count, 2)), /number of series must be at most 1,/],
  ["lists", sealed(1, TEXTS, [0, 1, 2], varint(count), repeated(count, 1, 0)), /number of lists must be at most 1,/],
  [
    "blocks",
    sealed(1, TEXTS, [1, ...SIGHTING, 1, 2, 1, 1, 0], varint(count), repeated(count, ...BLOCK)),
    /number of blocks must be at most 1,/,
  ],
  ["holders", sealed2(NO_SERIES, varint(count), repeated(count, 1, 2)), /number of holders must be at most/],
  ["sets", sealed2(NO_SERIES, [1, 1, 2], varint(count), repeated(count, 1, 0)), /must be at most/],
  ["evidence", sealed2(NO_SERIES, ONE_SET, varint(count), repeated(count, 1, 0, 1, 1, 0, 1, 0)), /must be at most/],
  ["runs", sealed2(NO_SERIES, ONE_SET, [1, 1, 0, 1], varint(count), repeated(count, 0, 1)), /number of runs must be/],
];
