import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Batch, bucketId } from "../../schema/batch.ts";
import { createBatchBuilder } from "../../schema/batch-builder.ts";
import { decodeBatch, encodeBatch } from "../../schema/batch-codec.ts";
import type { Series } from "../../schema/reading.ts";
import { batchOf, ENGINE_3, factsOf, heldBy, START, TEMP, UTIL } from "../conformance/repository/bench.ts";

const BATCH: Batch = batchOf(
  [
    [UTIL, 0, 97],
    [TEMP, 0, 61.5],
    [UTIL, 15_000, 98, factsOf(1, heldBy("train-1"))],
    [ENGINE_3, 15_000, 0.25, factsOf(2, { model: "NVIDIA A30 – 24 GB", driver: null })],
    [UTIL, 3_600_000, 12],
  ],
  { producer: "/data/a.csv@3/8", epoch: 7, seq: 1_000_000 },
);

describe("encodeBatch()", () => {
  test("gives back a batch as it was", () => {
    expect(decodeBatch(encodeBatch(BATCH))).toEqual({ ok: true, value: BATCH });
  });

  test("gives back a batch of one reading, and one of many GPUs", () => {
    const builder = createBatchBuilder();
    builder.add(builder.slot(factsOf(0), UTIL), START, -0.125);
    const one = builder.take({ producer: "p", epoch: 1, seq: 1 });
    for (let gpu = 0; gpu < 2000; gpu++) {
      for (const series of [UTIL, TEMP]) builder.add(builder.slot(factsOf(gpu), series), START + gpu, gpu / 8);
    }
    const many = builder.take({ producer: "p", epoch: 1, seq: 2 });
    expect(many.readings).toBe(4000);
    for (const batch of [one, many]) expect(decodeBatch(encodeBatch(batch))).toEqual({ ok: true, value: batch });
  });

  test("gives equal bytes for equal batches", () => {
    expect(encodeBatch(structuredClone(BATCH))).toEqual(encodeBatch(BATCH));
  });
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

  test("says what is wrong", () => {
    const changed = (at: number, byte: number) => Object.assign(bytes.slice(), { [at]: byte });
    const errorOf = (given: Uint8Array) => {
      const outcome = decodeBatch(given);
      return outcome.ok ? "none" : outcome.error;
    };
    expect(errorOf(changed(0, 0))).toBe("Cannot decode the batch: it is no batch");
    expect(errorOf(changed(2, 9))).toBe("Cannot decode the batch: it has version 9, known is 1");
    expect(errorOf(changed(40, 99))).toBe("Cannot decode the batch: the checksum does not fit");
    expect(errorOf(new Uint8Array())).toBe("Cannot decode the batch: it is no batch");
  });

  test("takes any bytes for no batch", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => !decodeBatch(noise).ok));
  });
});

test("bucketId() is made of uuid, first time and content, and stays what it is", () => {
  const ids = BATCH.blocks.map((block) => bucketId(block, BATCH.series));
  expect(ids).toEqual([
    "GPU-00000000-0000-4000-8000-000000000001:1753005600000:757ab264160029b9",
    "GPU-00000000-0000-4000-8000-000000000001:1753009200000:db279fe25729b6af",
    "GPU-00000000-0000-4000-8000-000000000002:1753005615000:2c0535d5bb78a0d2",
  ]);
  expect(new Set(ids).size).toBe(BATCH.blocks.length);
  const other = batchOf([[UTIL, 0, 96]]);
  const same = batchOf([[UTIL, 0, 97]], { producer: "another", epoch: 9, seq: 9 });
  const [id] = batchOf([[UTIL, 0, 97]]).blocks.map((block) => bucketId(block, [UTIL] as Series[]));
  expect(same.blocks.map((block) => bucketId(block, same.series))).toEqual([id as string]);
  expect(other.blocks.map((block) => bucketId(block, other.series))).not.toEqual([id as string]);
});
