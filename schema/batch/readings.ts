/** Visits the readings of a batch. */
import { AppError } from "../model/errors.ts";
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import { type HolderSet, NOBODY } from "../model/holder.ts";
import type { Series } from "../model/reading.ts";
import type { Batch, Sighting } from "./batch.ts";
import { BlockEvidence } from "./block-evidence.ts";
import { unpackColumns } from "./columns.ts";
import { type Evidence, trackOf } from "./evidence.ts";

export type VisitReading = (
  gpu: GpuUuid,
  series: Series,
  at: number,
  value: number,
  facts: GpuFacts,
  holders: HolderSet,
) => void;

/**
 * Visits every reading once: by block, then series, then ascending time. `facts` come from a sighting that covers the
 * reading's time; readings with the same facts or holders get the same objects.
 * @throws AppError `invalid` for a block whose columns are damaged or whose GPU has no sighting
 */
export function forEachReading(batch: Batch, visit: VisitReading): void {
  const sightings = Map.groupBy(batch.sightings, ({ facts }) => facts.uuid);
  for (const ofGpu of sightings.values()) ofGpu.sort((a, b) => a.from - b.from);
  const evidence = new BlockEvidence(batch);
  for (const block of batch.blocks) {
    const { gpu, series } = block;
    const seen = sightings.get(gpu);
    const columns = unpackColumns(block.packed);
    if (seen?.[0] === undefined || !columns.ok) {
      const why = columns.ok ? "it has no sighting" : columns.error;
      throw new AppError(`Cannot read the readings of ${gpu} in batch ${batch.producer}:${batch.seq}: ${why}`, {
        code: "invalid",
      });
    }
    const { at, values } = columns.value;
    const named = evidence.of(block, () => at);
    const factsAt = createFactsFinder(seen);
    for (const [index, name] of series.entries()) {
      const column = values[index] as Float64Array;
      const holdersAt = createHoldersFinder(named, index);
      factsAt.restart();
      for (let tick = 0; tick < at.length; tick++) {
        const value = column[tick] as number;
        if (Number.isNaN(value)) continue;
        const time = at[tick] as number;
        visit(gpu, batch.series[name] as Series, time, value, factsAt.find(time), holdersAt(tick));
      }
    }
  }
}

/** Finds the facts at ascending times. `restart` before the times begin again. */
function createFactsFinder(seen: readonly Sighting[]) {
  let current = seen[0] as Sighting;
  // Times ascend, so a sighting that has ended before one of them covers none of the later ones.
  let ended = 0;
  return {
    restart: () => {
      ended = 0;
    },
    find(time: number): GpuFacts {
      if (time < current.from || time > current.to) {
        while (ended < seen.length && (seen[ended] as Sighting).to < time) ended++;
        const next = seen[ended];
        if (next !== undefined && next.from <= time) current = next;
      }
      return current.facts;
    },
  };
}

/** Returns a function that finds the holders of a column at ascending ticks. */
function createHoldersFinder(evidence: Evidence | null, column: number): (tick: number) => HolderSet {
  if (evidence === null) return () => NOBODY;
  const track = trackOf(evidence, column);
  let run = 0;
  return (tick) => {
    while (run + 1 < track.length && (track[run + 1]?.tick as number) <= tick) run++;
    const set = track[run]?.set as number;
    return set === 0 ? NOBODY : (evidence.sets[set - 1] as HolderSet);
  };
}
