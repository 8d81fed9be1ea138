/** Batches that would take far more memory than their bytes: each is refused before it is unpacked or built. */
import { describe, expect, test } from "bun:test";
import { crc32, zstdCompressSync } from "node:zlib";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { ByteWriter } from "../../../schema/batch/byte-writer.ts";
import { decodeBatch, encodeBatch, sizeOfBatch } from "../../../schema/batch/codec.ts";
import { NOBODY } from "../../../schema/model/holder.ts";
import { factsOf, START, UTIL } from "../../conformance/repository/bench.ts";

const UUID = "GPU-00000000-0000-4000-8000-000000000001";

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
const repeated = (count: number, ...item: readonly number[]): Uint8Array =>
  new Uint8Array(Buffer.alloc(count * item.length, Uint8Array.from(item)));
const TEXTS = [2, UUID.length, ...Buffer.from(UUID), 1, 97];
const SIGHTING = [1, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0];
/** The lists of a batch of version 2 before its holders: texts, no sighting, no series. */
const NO_SERIES = [...TEXTS, 0, 0];
/** One job, and the set of it. */
const ONE_SET = [1, 1, 2, 1, 1, 0];
const PACKED = [1, 1, 1, 0, 0, 0, 0, 0];
const BLOCK = [1, 0, 0, 1, 0, PACKED.length, ...PACKED];

type Parts = readonly (readonly number[] | Uint8Array)[];

const sealed = (readings: number, ...parts: Parts): Uint8Array => sealedAs(1, [readings], parts);
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

const bombsOf = (count: number): readonly [what: string, bytes: Uint8Array, error: RegExp][] => [
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

describe("decodeBatch()", () => {
  for (const [what, bytes, error] of bombsOf(70_000)) {
    test(`refuses more ${what} than a batch of that size can have`, () => {
      expect(decodeBatch(bytes)).toEqual({ ok: false, error: expect.stringMatching(error) });
    });
  }

  for (const [what, bytes] of bombsOf(2_000_000)) {
    test(`refuses ${bytes.length} bytes that unpack to megabytes of ${what}, and does not unpack them`, () => {
      const before = process.memoryUsage().rss;
      expect(decodeBatch(bytes)).toEqual({ ok: false, error: expect.stringMatching(/must unpack to at most 1048576/) });
      expect(sizeOfBatch(bytes).ok).toBe(false);
      expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024);
    });
  }

  test("refuses columns that together are more than the readings", () => {
    const lists = [2, 2, 0, 1, 2, 0, 1];
    const bytes = sealed(3, TEXTS, [0, 2, 1, 2], lists, [0]);
    expect(decodeBatch(bytes)).toEqual({ ok: false, error: expect.stringContaining("number of columns must be") });
  });

  test("decodes a batch with far more sightings than readings, because merged readings leave theirs", () => {
    const builder = createBatchBuilder(2);
    for (let driver = 0; driver < 20_000; driver++) {
      builder.add(builder.slot(factsOf(1, { driver: `${driver}` }), UTIL, NOBODY), START, 1);
    }
    const batch = builder.take({ producer: "csv@0/1", epoch: 1, seq: 1 });
    expect([batch.readings, batch.sightings.length]).toEqual([1, 20_000]);
    expect(decodeBatch(encodeBatch(batch))).toEqual({ ok: true, value: batch });
  });
});

test("encodeBatch() refuses what decodeBatch() would: texts that compress to almost nothing", () => {
  const builder = createBatchBuilder(2);
  for (let driver = 0; driver < 40; driver++) {
    const facts = factsOf(1, { driver: "x".repeat(60_000) + driver });
    builder.add(builder.slot(facts, UTIL, NOBODY), START + driver, 1);
  }
  const batch = builder.take({ producer: "csv@0/1", epoch: 1, seq: 1 });
  expect(() => encodeBatch(batch)).toThrow(/Batch must have at most \d+ bytes that compress to/);
});

test("sizeOfBatch() returns readings and unpacked bytes", () => {
  const builder = createBatchBuilder(2);
  builder.add(builder.slot(factsOf(1), UTIL, NOBODY), START, 1);
  const bytes = encodeBatch(builder.take({ producer: "csv@0/1", epoch: 1, seq: 1 }));
  expect(sizeOfBatch(bytes)).toEqual({ ok: true, value: { readings: 1, bodyBytes: expect.any(Number) } });
  expect(sizeOfBatch(bytes.subarray(1)).ok).toBe(false);
});
