/** Bytes and ids that other releases wrote or will read. */
import { expect, test } from "bun:test";
import { bucketId } from "../../../schema/batch/batch.ts";
import { decodeBatch, encodeBatch } from "../../../schema/batch/codec.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { batchOf, ENGINE_3, factsOf, heldBy, type Row, TEMP, UTIL } from "../../conformance/repository/bench.ts";

const ROWS: readonly Row[] = [
  [UTIL, 0, 97],
  [TEMP, 0, 61.5],
  [UTIL, 15_000, 98, factsOf(1, heldBy("train-1"))],
  [ENGINE_3, 15_000, 0.25, factsOf(2, { model: "NVIDIA A30 – 24 GB", driver: null })],
  [UTIL, 3_600_000, 12],
];
const HEADER = { producer: "/data/a.csv@3/8", epoch: 7, seq: 1_000_000 };

/** `ROWS` as the release before version 2 encoded them. */
const VERSION_1 =
  "R0IBh5PHzA8vZGF0YS9hLmNzdkAzLzgHwIQ9BYDamrqCM4Dd2wGYAyi1L/1gmADFCQAkERAoR1BVLTAtNDAwMC04MQExB252aWRpYTEVTlZJRElBIEgxMDAgODBHQiBIQk0zBmhvc3QtMAo1MzUuMTI5LjAzBG1haW4HdHJhaW4tMQhyZXNlYXJjaDIBMjIUQTMwIOKAkyAyNCBHQhREQ0dNX0ZJX0RFVl9HUFVfVEVNUFVUSUwrUFJPRl9HUl9FTkdJTkVfQUNUSVZFe0dQVV9JX0lEPSIzIn0EAQIDBAUGAAAAAAAHCAmYdQAAAIDd2wEACgsMDQUAAAAAmHUAAw4PEAMCAAEBAQECAwEAmHUDABgBAgIBgLS19IRmsOoBAQEBCM4JAAHCAQIBAQENAQEBAIDu7PeEZgAAGAqwnrf0hGYAEDIOADcCjngbBLiZF/fugjUgnnBOAlwD1yXpUCLngsxnLAJkwAg=";

test("encodeBatch() writes version 1 byte by byte as the release before version 2 did", () => {
  const bytes = Buffer.from(encodeBatch(batchOf(ROWS, { ...HEADER, v: 1 })));
  expect(bytes.subarray(2).equals(Buffer.from(VERSION_1, "base64").subarray(2))).toBeTrue();
});

test("decodeBatch() reads what the release before version 2 wrote", () => {
  expect(decodeBatch(Buffer.from(VERSION_1, "base64"))).toEqual({
    ok: true,
    value: batchOf(ROWS, { ...HEADER, v: 1 }),
  });
});

test("bucketId() depends on uuid, first time and content, and never changes", () => {
  const old = batchOf(ROWS, { ...HEADER, v: 1 });
  const ids = old.blocks.map((block) => bucketId(block, old.series));
  expect(ids).toEqual([
    "GPU-00000000-0000-4000-8000-000000000001:1753005600000:757ab264160029b9",
    "GPU-00000000-0000-4000-8000-000000000001:1753009200000:db279fe25729b6af",
    "GPU-00000000-0000-4000-8000-000000000002:1753005615000:2c0535d5bb78a0d2",
  ]);
  const [held] = batchOf(ROWS, HEADER).blocks.map((block) => bucketId(block, old.series));
  expect(held).toBe("GPU-00000000-0000-4000-8000-000000000001:1753005600000:9026ff02cbdecad1");
  const other = batchOf([[UTIL, 0, 96]]);
  const same = batchOf([[UTIL, 0, 97]], { producer: "another", epoch: 9, seq: 9 });
  const [id] = batchOf([[UTIL, 0, 97]]).blocks.map((block) => bucketId(block, [UTIL] as Series[]));
  expect(same.blocks.map((block) => bucketId(block, same.series))).toEqual([id as string]);
  expect(other.blocks.map((block) => bucketId(block, other.series))).not.toEqual([id as string]);
});
