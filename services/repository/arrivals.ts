/** What a call of `save` brings to each GPU: the sightings that count, in the order in which they are taken in. */
import type { Batch, Sighting } from "../../schema/batch/batch.ts";
import { AppError } from "../../schema/model/errors.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";

/** @throws AppError `invalid` when a batch has readings of a GPU of which it says nothing else */
export function checkSightings(batches: readonly Batch[]): void {
  for (const { producer, seq, blocks, sightings } of batches) {
    const seen = new Set(sightings.map(({ facts }) => facts.uuid));
    for (const { gpu } of blocks) {
      if (seen.has(gpu)) continue;
      throw new AppError(`Cannot save batch ${producer}:${seq}: it has readings of ${gpu} but no sighting of it`, {
        code: "invalid",
      });
    }
  }
}

/** A sighting of a GPU with a stored block. */
export interface Arrival {
  readonly batch: Batch;
  readonly sighting: Sighting;
  /** A block of the GPU was stored by this call; else all of them by earlier ones. */
  readonly fresh: boolean;
}

export interface Arrivals {
  /** A block of this GPU was stored, now (`fresh`) or by an earlier call. */
  add(batch: Batch, gpu: GpuUuid, fresh: boolean): void;
  all(): Iterable<Arrival>;
  /** Of GPUs with a stored block: what the inventory learns from. Taking it in twice is harmless. */
  facts(): Iterable<Sighting>;
  /**
   * Of GPUs with a fresh block, by GPU, oldest first: what attribution learns from. A redelivered batch has none, so
   * it cannot take times back that another source has since told of differently.
   */
  holders(): ReadonlyMap<GpuUuid, readonly Sighting[]>;
}

export function createArrivals(): Arrivals {
  const fresh = new Map<Batch, Map<GpuUuid, boolean>>();
  function* all(): Generator<Arrival> {
    for (const [batch, gpus] of fresh) {
      for (const sighting of batch.sightings) {
        const isFresh = gpus.get(sighting.facts.uuid);
        if (isFresh !== undefined) yield { batch, sighting, fresh: isFresh };
      }
    }
  }
  return {
    add(batch, gpu, isFresh) {
      let gpus = fresh.get(batch);
      if (gpus === undefined) {
        gpus = new Map();
        fresh.set(batch, gpus);
      }
      gpus.set(gpu, isFresh || gpus.get(gpu) === true);
    },
    all,
    *facts() {
      for (const { sighting } of all()) yield sighting;
    },
    holders() {
      const sightings = new Map<GpuUuid, Sighting[]>();
      for (const { sighting, fresh: isFresh } of all()) {
        if (!isFresh) continue;
        const ofGpu = sightings.get(sighting.facts.uuid);
        if (ofGpu === undefined) sightings.set(sighting.facts.uuid, [sighting]);
        else ofGpu.push(sighting);
      }
      for (const ofGpu of sightings.values()) ofGpu.sort((a, b) => a.from - b.from);
      return sightings;
    },
  };
}
