import { expect, test } from "bun:test";
import type { Series } from "../../../schema/model/reading.ts";
import type { Bucket } from "../../../services/repository/bucket.ts";
import { ColumnMerge, PART_READINGS } from "../../../services/repository/column-merge.ts";

const HOUR = 3_600_000;
const UTIL = "DCGM_FI_DEV_GPU_UTIL" as Series;
const ALL = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

const bucketOf = (from: number, times: number, stepMs: number): Bucket => {
  const at = Float64Array.from({ length: times }, (_, tick) => from + tick * stepMs);
  const unpack = () => ({ at, values: [at], marks: [] });
  return { from, to: at.at(-1) as number, series: [UTIL], unpack, evidence: () => null };
};

test("ColumnMerge is full after the hour in which it reaches its bound", () => {
  const merge = new ColumnMerge([UTIL], ALL, () => {});
  const perHour = 60_000;
  const hours = Math.ceil(PART_READINGS / perHour);
  for (let hour = 0; hour < hours; hour++) {
    expect(merge.add(bucketOf(hour * HOUR, perHour / 2, 50))).toBe(true);
    expect(merge.add(bucketOf(hour * HOUR + HOUR / 2, perHour / 2, 50))).toBe(true);
  }
  expect(merge.add(bucketOf(hours * HOUR, 1, 1))).toBe(false);
  expect(merge.end().map(({ at }) => at.length)).toEqual([hours * perHour]);
});

test("ColumnMerge sorts overlapping buckets of an hour, and counts times with differing values", () => {
  let differing = 0;
  const merge = new ColumnMerge([UTIL], ALL, () => differing++);
  merge.add(bucketOf(0, 3, 1000));
  merge.add({ ...bucketOf(500, 3, 1000) });
  const other = { at: Float64Array.of(1000, 9000), values: [Float64Array.of(7, 8)], marks: [1] };
  merge.add({ ...bucketOf(1000, 2, 8000), unpack: () => ({ ...other, values: [Float64Array.of(2000, Number.NaN)] }) });
  const [column] = merge.end();
  expect([...(column?.at ?? [])]).toEqual([0, 500, 1000, 1500, 2000, 2500]);
  expect([...(column?.values ?? [])]).toEqual([0, 500, 2000, 1500, 2000, 2500]);
  expect([...(column?.marks ?? [])]).toEqual([9000]);
  expect(differing).toBe(1);
});
