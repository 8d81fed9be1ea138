/** Finds the evidence of blocks, whatever the version of their batch. */
import type { GpuUuid } from "../model/gpu.ts";
import { type HolderSet, holderSetOf } from "../model/holder.ts";
import type { Batch, Block, Sighting } from "./batch.ts";
import { constantEvidence, type Evidence } from "./evidence.ts";
import { HolderSets } from "./holder-sets.ts";
import { TrackFinder } from "./track-finder.ts";

const holdersOf = (sightings: readonly Sighting[]): HolderSet =>
  holderSetOf(sightings.flatMap(({ holder }) => holder ?? []));

export class BlockEvidence {
  readonly #batch: Batch;
  /** Only for version 1. */
  #sightings: ReadonlyMap<GpuUuid, readonly Sighting[]> | undefined;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  /**
   * Returns the evidence of a block of the batch. Version 1 names holders with the sightings of a GPU: all its series
   * named the holders of the sightings that cover their time.
   * @param times returns the times of the block; called only if its holders change
   */
  of(block: Block, times: () => Float64Array): Evidence | null {
    if (this.#batch.v !== 1) return block.evidence;
    this.#sightings ??= Map.groupBy(this.#batch.sightings, ({ facts }) => facts.uuid);
    const sightings = (this.#sightings.get(block.gpu) ?? []).filter(
      ({ from, to }) => from <= block.to && to >= block.from,
    );
    const [first] = sightings;
    if (sightings.every(({ holder }) => holder === first?.holder)) return constantEvidence(holdersOf(sightings));
    const at = times();
    const sets = new HolderSets();
    const setOf = Int32Array.from(at, (time) =>
      sets.number(holdersOf(sightings.filter(({ from, to }) => from <= time && to >= time))),
    );
    return new TrackFinder(sets.sets).find(setOf, at.length, 1, () => true);
  }
}
