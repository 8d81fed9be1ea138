/** Batches that would take far more memory than their bytes: each is refused before it is unpacked or built. */
import { describe, expect, test } from "bun:test";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { decodeBatch, encodeBatch, sizeOfBatch } from "../../../schema/batch/codec.ts";
import { NOBODY } from "../../../schema/model/holder.ts";
import { factsOf, START, UTIL } from "../../conformance/repository/bench.ts";
import { bombsOf, sealed, TEXTS } from "../../support/batch/bombs.ts";

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
