/** Learns inventory, instances and stays from sightings. Call all functions inside `database.write`. */
import type { Sighting } from "../../../schema/batch/batch.ts";
import { afterInstance, afterSighting, sameFacts } from "../inventory.ts";
import { sameSlot } from "../placements.ts";
import type { Buckets } from "./buckets.ts";
import type { GpuTable } from "./gpus.ts";
import type { InstanceTable } from "./instances.ts";
import type { KnownGpu } from "./known-gpus.ts";
import type { SightingsAhead } from "./sightings-ahead.ts";
import type { StayTable } from "./stays.ts";
import { findTicks } from "./ticks.ts";

export interface Learned {
  readonly sighting: Omit<Sighting, "holder">;
  /** False if its readings had been stored before: it says nothing new about the slot then. */
  readonly fresh: boolean;
}

export interface SightingLearner {
  /**
   * @param sightings of the GPU, oldest first; their buckets are stored
   * @param present last time that counts as now; what is later is kept until its time comes
   */
  learn(gpu: KnownGpu, sightings: readonly Learned[], present: number): void;
}

export function createSightingLearner(parts: {
  readonly gpus: GpuTable;
  readonly instances: InstanceTable;
  readonly stays: StayTable;
  readonly ahead: SightingsAhead;
  readonly buckets: Buckets;
}): SightingLearner {
  const { gpus, instances, stays, ahead, buckets } = parts;

  /** Returns the part of a sighting that is not later than the present, by the times of stored readings. */
  const presentPart = (gpu: KnownGpu, sighting: Learned["sighting"], present: number) => {
    if (sighting.to <= present) return sighting;
    const ticks = findTicks(buckets, gpu);
    const next = ticks.after(Math.max(present, sighting.from - 1), sighting.to) ?? sighting.to;
    ahead.add(gpu.id, { facts: sighting.facts, from: next, to: sighting.to });
    const to = ticks.before(present + 1, sighting.from);
    return to === undefined ? undefined : { ...sighting, to };
  };

  const learnFacts = (gpu: KnownGpu, sightings: readonly Learned["sighting"][]): void => {
    const before = gpu.gpu;
    let after = before;
    for (const sighting of sightings) after = afterSighting(after, sighting);
    if (after === before || after === undefined) return;
    gpu.gpu = after;
    if (before !== undefined && sameFacts(before, after)) gpus.updateTimes(gpu.id, after);
    else gpus.update(gpu.id, after);
  };

  const learnInstances = (gpu: KnownGpu, sightings: readonly Learned["sighting"][]): void => {
    const changed = new Set<string>();
    for (const sighting of sightings) {
      const { instance } = sighting.facts;
      if (instance === null) continue;
      const known = gpu.instances.get(instance);
      const after = afterInstance(known, sighting);
      if (after === known) continue;
      gpu.instances.set(instance, after);
      changed.add(instance);
    }
    for (const id of changed)
      instances.put(gpu.id, id, gpu.instances.get(id) as NonNullable<ReturnType<typeof gpu.instances.get>>);
  };

  /** Writes the end of a stay once, after the last sighting that extends it, because most sightings only do that. */
  const learnStays = (gpu: KnownGpu, sightings: readonly Learned["sighting"][]): void => {
    let written = gpu.stay?.to;
    const settle = () => {
      if (gpu.stay !== undefined && gpu.stay.to !== written) stays.extend(gpu, gpu.stay);
      written = gpu.stay?.to;
    };
    for (const { facts, from, to } of sightings) {
      const { host, index } = facts;
      if (host === "") continue;
      const { stay } = gpu;
      if (stay !== undefined && from >= stay.from && sameSlot(stay, facts)) {
        if (to > stay.to) gpu.stay = { ...stay, to };
        continue;
      }
      settle();
      gpu.stay = stays.add(gpu, stay, { host, index, from, to });
      written = gpu.stay.to;
    }
    settle();
  };

  return {
    learn(gpu, learned, present) {
      const fresh: Learned["sighting"][] = [];
      const all = learned.flatMap(({ sighting, fresh: isFresh }) => {
        const part = presentPart(gpu, sighting, present);
        if (part === undefined) return [];
        if (isFresh) fresh.push(part);
        return [part];
      });
      learnFacts(gpu, all);
      learnInstances(gpu, all);
      learnStays(gpu, fresh);
    },
  };
}
