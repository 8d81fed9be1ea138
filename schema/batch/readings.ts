/** Visits the readings of a batch. */
import { AppError } from "../model/errors.ts";
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import type { Series } from "../model/reading.ts";
import type { Batch, Sighting } from "./batch.ts";
import { unpackColumns } from "./columns.ts";

export type VisitReading = (gpu: GpuUuid, series: Series, at: number, value: number, facts: GpuFacts) => void;

/**
 * Visits every reading once: by block, then series, then ascending time. `facts` come from a sighting that covers the
 * reading's time, and are the same object for all its readings.
 * @throws AppError `invalid` for a block whose columns are damaged or whose GPU has no sighting
 */
export function forEachReading(batch: Batch, visit: VisitReading): void {
  const sightings = new Map<GpuUuid, Sighting[]>();
  for (const sighting of batch.sightings) {
    const ofGpu = sightings.get(sighting.facts.uuid);
    if (ofGpu === undefined) sightings.set(sighting.facts.uuid, [sighting]);
    else ofGpu.push(sighting);
  }
  for (const ofGpu of sightings.values()) ofGpu.sort((a, b) => a.from - b.from);
  for (const { gpu, series, packed } of batch.blocks) {
    const seen = sightings.get(gpu);
    const columns = unpackColumns(packed);
    if (seen?.[0] === undefined || !columns.ok) {
      const why = columns.ok ? "it has no sighting" : columns.error;
      throw new AppError(`Cannot read the readings of ${gpu} in batch ${batch.producer}:${batch.seq}: ${why}`, {
        code: "invalid",
      });
    }
    const { at, values } = columns.value;
    let current = seen[0];
    for (const [index, name] of series.entries()) {
      const column = values[index] as Float64Array;
      // Times ascend, so a sighting that has ended before one of them covers none of the later ones.
      let ended = 0;
      for (let tick = 0; tick < at.length; tick++) {
        const value = column[tick] as number;
        if (Number.isNaN(value)) continue;
        const time = at[tick] as number;
        if (time < current.from || time > current.to) {
          while (ended < seen.length && (seen[ended] as Sighting).to < time) ended++;
          const next = seen[ended];
          if (next !== undefined && next.from <= time) current = next;
        }
        visit(gpu, batch.series[name] as Series, time, value, current.facts);
      }
    }
  }
}
