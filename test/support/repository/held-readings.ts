/** Collects the readings of batches, to compare them with an export. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { type Expected, keyOf } from "../sources/dcgm-export.ts";

/** @throws Error when a reading comes twice */
export function heldReadings(batches: readonly Batch[]): Expected {
  const held = new Map<string, Map<string, number>>();
  for (const batch of batches) {
    forEachReading(batch, (gpu, series, at, value) => {
      const ofGpu = held.get(gpu) ?? new Map<string, number>();
      held.set(gpu, ofGpu);
      const key = keyOf(series, at);
      if (ofGpu.has(key)) throw new Error(`${gpu} ${key} came twice`);
      ofGpu.set(key, value);
    });
  }
  return held;
}
