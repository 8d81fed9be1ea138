/** Records the GPUs of which `save` has stored blocks; returns the sightings for inventory and attribution. */
import type { Batch, Sighting } from "../../schema/batch/batch.ts";
import { AppError } from "../../schema/model/errors.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";

/** @throws AppError `invalid` if a batch has a block of a GPU, but no sighting of that GPU */
export function checkSightings(batches: readonly Batch[]): void {
  for (const { producer, seq, blocks, sightings } of batches) {
    const seen = new Set(sightings.map(({ facts }) => facts.uuid));
    for (const { gpu } of blocks) {
      if (seen.has(gpu)) continue;
      throw new AppError(`Cannot save batch ${producer}:${seq}: it has readings of ${gpu}, but no sighting of it`, {
        code: "invalid",
      });
    }
  }
}

/** A sighting of a GPU with a stored block. */
export interface Arrival {
  readonly batch: Batch;
  readonly sighting: Sighting;
  /**
   * True if this call stored a block of the GPU in this batch; false if earlier calls had stored all of them. A
   * redelivered batch says nothing new about slots, so it cannot overwrite what another source has said since.
   */
  readonly fresh: boolean;
}

export interface Arrivals {
  /** Records that a block of this GPU is stored: by this call (`fresh`) or by an earlier one. */
  add(batch: Batch, gpu: GpuUuid, fresh: boolean): void;
  all(): Iterable<Arrival>;
  /** Sightings of GPUs with a stored block. The inventory learns from them; learning twice changes nothing. */
  facts(): Iterable<Sighting>;
  /** The same by GPU, oldest first. */
  byGpu(): ReadonlyMap<GpuUuid, readonly Arrival[]>;
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
    byGpu() {
      const byGpu = new Map<GpuUuid, Arrival[]>();
      for (const arrival of all()) {
        const { uuid } = arrival.sighting.facts;
        const ofGpu = byGpu.get(uuid);
        if (ofGpu === undefined) byGpu.set(uuid, [arrival]);
        else ofGpu.push(arrival);
      }
      for (const ofGpu of byGpu.values()) ofGpu.sort((a, b) => a.sighting.from - b.sighting.from);
      return byGpu;
    },
  };
}
