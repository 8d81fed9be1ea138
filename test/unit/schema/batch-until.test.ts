import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch } from "../../../schema/batch/batch.ts";
import { decodeBatch, encodeBatch } from "../../../schema/batch/codec.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { batchUntil } from "../../../schema/batch/until.ts";
import { holderKey } from "../../../schema/model/holder.ts";
import { batchOfReadings, NOON } from "../../support/collector/batches.ts";

const readingsOf = (batch: Batch | undefined): string[] => {
  const readings: string[] = [];
  if (batch !== undefined) {
    forEachReading(batch, (gpu, series, at, value, _facts, holders) => {
      readings.push(`${gpu} ${series} ${at - NOON} ${value} ${holders.map(holderKey).join()}`);
    });
  }
  return readings.sort();
};

const HALF_HOUR = 1_800_000;
/** At one time all rows of a GPU have the same facts: of rows that differ, no single one is right. */
const reading = fc
  .record({
    gpu: fc.integer({ min: 1, max: 3 }),
    series: fc.constantFrom("DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"),
    after: fc.nat({ max: 6 }).map((step) => step * HALF_HOUR),
    value: fc.nat({ max: 9 }),
  })
  .map((given) => ({ ...given, namespace: given.after % (2 * HALF_HOUR) === 0 ? "a" : null }));

test("batchUntil() keeps exactly the readings up to the time, as a batch that can be encoded", () => {
  fc.assert(
    fc.property(fc.array(reading, { minLength: 1, maxLength: 30 }), fc.nat({ max: 7 }), (given, step) => {
      const batch = batchOfReadings(given);
      const last = step * HALF_HOUR - 1;
      const cut = batchUntil(batch, NOON + last);
      const expected = readingsOf(batch).filter((text) => Number(text.split(" ")[2]) <= last);
      expect(readingsOf(cut)).toEqual(expected);
      expect(cut?.readings ?? 0).toBe(expected.length);
      if (cut === undefined) return;
      const decoded = decodeBatch(encodeBatch(cut));
      expect(decoded.ok && readingsOf(decoded.value)).toEqual(expected);
    }),
  );
});

test("batchUntil() returns the batch itself if all of it is early enough", () => {
  const batch = batchOfReadings([{ after: 1000, value: 1 }]);
  expect(batchUntil(batch, NOON + 1000)).toBe(batch);
});
