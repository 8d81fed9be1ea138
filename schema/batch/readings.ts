/** Visits the readings of a batch. */
import { AppError } from "../model/errors.ts";
import type { GpuFacts, GpuUuid } from "../model/gpu.ts";
import { type HolderSet, NOBODY } from "../model/holder.ts";
import type { Series } from "../model/reading.ts";
import type { Batch, Sighting } from "./batch.ts";
import { BlockEvidence } from "./block-evidence.ts";
import { unpackColumns } from "./columns.ts";
import { type HeldStretch, heldStretches } from "./evidence.ts";

const NEVER_HELD: readonly HeldStretch[] = [{ tick: 0, holders: NOBODY }];

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
 * reading's time. `holders` are those that any row of the GPU names at that time: some series of a card never name one.
 * Readings with the same facts or holders get the same objects.
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
    const held = named === null ? NEVER_HELD : heldStretches(named);
    const factsAt = createFactsFinder(seen);
    for (const [index, name] of series.entries()) {
      const column = values[index] as Float64Array;
      factsAt.restart();
      let stretch = 0;
      for (let tick = 0; tick < at.length; tick++) {
        const value = column[tick] as number;
        if (Number.isNaN(value)) continue;
        const time = at[tick] as number;
        while (stretch + 1 < held.length && (held[stretch + 1] as HeldStretch).tick <= tick) stretch++;
        const { holders } = held[stretch] as HeldStretch;
        visit(gpu, batch.series[name] as Series, time, value, factsAt.find(time), holders);
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
