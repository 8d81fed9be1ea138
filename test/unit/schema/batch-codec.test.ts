import { describe, expect, test } from "bun:test";
import { crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import type { Batch, Block } from "../../../schema/batch/batch.ts";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { ByteReader } from "../../../schema/batch/byte-reader.ts";
import { ByteWriter } from "../../../schema/batch/byte-writer.ts";
import { decodeBatch, decodeBatchHeader, encodeBatch } from "../../../schema/batch/codec.ts";
import { packColumns } from "../../../schema/batch/columns.ts";
import type { Evidence, Run } from "../../../schema/batch/evidence.ts";
import { isAppError } from "../../../schema/model/errors.ts";
import { NOBODY } from "../../../schema/model/holder.ts";
import {
  batchOf,
  ENGINE_3,
  factsOf,
  heldBy,
  podOf,
  type Row,
  START,
  TEMP,
  UTIL,
} from "../../conformance/repository/bench.ts";
import { heldRows } from "../../support/schema/held-rows.ts";

const ROWS: readonly Row[] = [
  [UTIL, 0, 97],
  [TEMP, 0, 61.5],
  [UTIL, 15_000, 98, factsOf(1, heldBy("train-1"))],
  [ENGINE_3, 15_000, 0.25, factsOf(2, { model: "NVIDIA A30 – 24 GB", driver: null })],
  [UTIL, 3_600_000, 12],
];
const HEADER = { producer: "/data/a.csv@3/8", epoch: 7, seq: 1_000_000 };
const BATCH: Batch = batchOf(ROWS, HEADER);

describe("encodeBatch()", () => {
  test("round-trips a batch", () => {
    expect(decodeBatch(encodeBatch(BATCH))).toEqual({ ok: true, value: BATCH });
  });

  test("round-trips a batch of one reading and one of many GPUs", () => {
    const builder = createBatchBuilder(2);
    builder.add(builder.slot(factsOf(0), UTIL, NOBODY), START, -0.125);
    const one = builder.take({ producer: "p", epoch: 1, seq: 1 });
    for (let gpu = 0; gpu < 2000; gpu++) {
      for (const series of [UTIL, TEMP]) builder.add(builder.slot(factsOf(gpu), series, NOBODY), START + gpu, gpu / 8);
    }
    const many = builder.take({ producer: "p", epoch: 1, seq: 2 });
    expect(many.readings).toBe(4000);
    for (const batch of [one, many]) expect(decodeBatch(encodeBatch(batch))).toEqual({ ok: true, value: batch });
  });

  test("round-trips random evidence and marks", () => {
    fc.assert(
      fc.property(heldRows, (rows) => {
        const batch = batchOf(rows);
        expect(decodeBatch(encodeBatch(batch))).toEqual({ ok: true, value: batch });
      }),
      { numRuns: 300 },
    );
  });

  test("returns equal bytes for equal batches", () => {
    expect(encodeBatch(structuredClone(BATCH))).toEqual(encodeBatch(BATCH));
  });
});

/** Opens the content of an encoded batch, and seals changed content with a valid checksum. */
function opened(bytes: Uint8Array) {
  const from = new ByteReader(bytes.subarray(7));
  const producer = from.text(100);
  const numbers = Array.from({ length: 6 }, () => from.varint());
  const length = from.varint();
  return { producer, numbers, length, body: new Uint8Array(zstdDecompressSync(from.bytes(from.left))) };
}

function sealed({ producer, numbers, length, body }: ReturnType<typeof opened>): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Uint8Array.of(0x47, 0x42, 2, 0, 0, 0, 0));
  out.text(producer);
  for (const number of numbers) out.varint(number);
  out.varint(length);
  out.bytes(zstdCompressSync(body));
  const bytes = out.take();
  new DataView(bytes.buffer).setUint32(3, crc32(bytes.subarray(7)), true);
  return bytes;
}

const errorOf = (given: Uint8Array): string => {
  const outcome = decodeBatch(given);
  return outcome.ok ? "none" : outcome.error;
};

const RUN: Run = { tick: 0, set: 1 };
const ONE_SET = { sets: [[podOf("a")]], tracks: [[RUN]] };
const LATE: Evidence = { ...ONE_SET, tracks: [[RUN, { tick: 9, set: 0 }]], ofColumn: null };
const WIDE: Evidence = { ...ONE_SET, ofColumn: [0, 0, 0] };

describe("decodeBatch() of bytes whose checksum is right", () => {
  const bytes = encodeBatch(BATCH);
  const [block] = BATCH.blocks as readonly Block[] as [Block];

  test("decodes a batch that was opened and sealed again", () => {
    expect(decodeBatch(sealed(opened(bytes)))).toEqual({ ok: true, value: BATCH });
  });

  test("never crashes on a body that is changed or cut", () => {
    const damage = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), cut: fc.nat({ max: 5 }) });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
        const parts = opened(bytes);
        for (const { at, byte, cut } of damages) {
          parts.body[at % parts.body.length] = byte;
          if (cut === 0) parts.body = parts.body.slice(0, 1 + (at % parts.body.length));
        }
        parts.length = parts.body.length;
        const outcome = decodeBatch(sealed(parts));
        if (!outcome.ok) expect(outcome.error).toStartWith("Cannot decode the batch: ");
        else for (const { gpu } of outcome.value.blocks) expect(gpu).toMatch(/^GPU-/);
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses a body that is longer or shorter than its length, without unpacking more than that", () => {
    const parts = opened(bytes);
    for (const length of [parts.length - 1, 0]) {
      expect(errorOf(sealed({ ...parts, length }))).toEndWith("the body cannot be decompressed");
    }
    const length = parts.length + 1;
    expect(errorOf(sealed({ ...parts, length }))).toEndWith(`the body does not have ${length} bytes`);
    const body = Uint8Array.of(...parts.body, 0);
    expect(errorOf(sealed({ ...parts, body, length }))).toEndWith("1 bytes follow the last block");
    const bomb = { ...parts, body: new Uint8Array(64 * 1024 * 1024) };
    expect(errorOf(sealed(bomb))).toBe("Cannot decode the batch: the body cannot be decompressed");
    expect(errorOf(sealed({ ...parts, length: 2 ** 40 }))).toContain(
      "length of the body must be at most 268435456, got 1099511627776",
    );
  });

  test.each<[string, Partial<Batch>, string]>([
    ["another number of readings than its blocks", { readings: 6 }, "the blocks lack 1 readings and 0 marks"],
    ["a block of a GPU that nobody has seen", { sightings: BATCH.sightings.slice(-1) }, "has readings but no sighting"],
    [
      "a series that is not in its list",
      { series: BATCH.series.slice(1) },
      "number of a series must be at most 1, got 2",
    ],
    [
      "series out of order",
      { blocks: [{ ...block, series: [...block.series].reverse() }] },
      "must be in ascending order",
    ],
    ["fewer series than columns", { blocks: [{ ...block, series: [0] }] }, "and 1 series holds"],
    [
      "fewer readings than times",
      { blocks: BATCH.blocks.map((each) => ({ ...each, readings: 1 })) },
      "block of 1 read",
    ],
    ["more readings than cells", { blocks: [{ ...block, readings: 5 }] }, "a block of 5 readings"],
    ["a time after its last", { lastAt: BATCH.lastAt - 1 }, "of a span must be at most"],
    ["a block that crosses an hour", { blocks: [{ ...block, to: BATCH.lastAt }] }, "crosses an hour"],
    ["a block that is damaged", { blocks: [{ ...block, packed: Uint8Array.of(1) }] }, "truncated at byte 1"],
    ["a time that no clock shows", { firstAt: 2 ** 53 - 1, lastAt: 2 ** 53 - 1 }, "first time must be at most"],
    ["another number of marks than its blocks", { marks: 1 }, "the blocks lack 0 readings and 1 marks"],
    ["evidence of more times than it has", { blocks: [{ ...block, evidence: LATE }] }, "must begin within them, got 9"],
    ["evidence of more columns", { blocks: [{ ...block, evidence: WIDE }] }, "has tracks of 3"],
    ["no uuid", { blocks: [{ ...block, gpu: "GPU-1" as never }] }, "uuid must be GPU-"],
  ])("refuses %s", (_, change, error) => {
    expect(errorOf(encodeBatch({ ...BATCH, ...change }))).toContain(error);
  });

  test("refuses a batch that encodeBatch() would not write", () => {
    const packed = packColumns({ at: Float64Array.of(START), values: [Float64Array.of(1)], marks: [] });
    const large = { ...BATCH, blocks: [{ ...block, packed, readings: 2 ** 21 }], readings: 2 ** 21 };
    expect(() => encodeBatch(large)).toThrow("2097152 readings");
    try {
      encodeBatch(large);
    } catch (error) {
      expect(isAppError(error, "too_large")).toBe(true);
    }
    const parts = opened(bytes);
    const numbers = parts.numbers.with(2, 2 ** 21);
    expect(errorOf(sealed({ ...parts, numbers }))).toContain("number of readings must be at most 1048576, got 2097152");
  });
});

test("decodeBatchHeader() reads the header alone, and only of bytes that are whole", () => {
  const bytes = encodeBatch(BATCH);
  const { sightings: _sightings, series: _series, blocks: _blocks, ...header } = BATCH;
  expect(decodeBatchHeader(bytes)).toEqual({ ok: true, value: header });
  expect(decodeBatchHeader(bytes.subarray(0, -1)).ok).toBe(false);
  expect(decodeBatchHeader(sealed({ ...opened(bytes), body: Uint8Array.of(1) })).ok).toBe(true);
});

describe("decodeBatch()", () => {
  const bytes = encodeBatch(BATCH);

  test("notices every changed byte and every cut", () => {
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      expect(decodeBatch(changed).ok).toBe(false);
      expect(decodeBatch(bytes.subarray(0, at)).ok).toBe(false);
    }
  });

  test("reports the reason", () => {
    const changed = (at: number, byte: number) => Object.assign(bytes.slice(), { [at]: byte });
    expect(errorOf(changed(0, 0))).toBe("Cannot decode the batch: it is not a batch");
    expect(errorOf(changed(2, 9))).toBe("Cannot decode the batch: version must be 1 or 2, got 9");
    expect(errorOf(changed(40, 99))).toBe("Cannot decode the batch: the checksum does not match");
    expect(errorOf(new Uint8Array())).toBe("Cannot decode the batch: it is not a batch");
  });

  test("refuses arbitrary bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => !decodeBatch(noise).ok));
  });
});
