/** Learns inventory, instances and stays from sightings. Call all functions inside `database.write`. */
import type { Sighting } from "../../../schema/batch/batch.ts";
import { afterInstance, afterSighting, sameFacts } from "../inventory.ts";
import { sameSlot } from "../placements.ts";
import type { Buckets } from "./buckets.ts";
import { storedEnd } from "./ends.ts";
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
  /** Returns the times of its readings, ascending; undefined: unknown. */
  readonly times: () => readonly number[] | undefined;
}

type Part = Omit<Learned, "fresh">;

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

  /** Returns the part of a sighting that is not later than the present, and keeps the rest. */
  const presentPart = (gpu: KnownGpu, { sighting, times }: Learned, present: number): Part | undefined => {
    const { facts, from, to } = sighting;
    if (to <= present) return { sighting, times };
    const own = times();
    const ticks = findTicks(buckets, gpu);
    const next = own ? own.find((time) => time > present) : ticks.after(Math.max(present, from - 1), to);
    ahead.add(gpu.id, { facts, from: next ?? to, to });
    const end = own ? own.findLast((time) => time <= present) : ticks.before(present + 1, from);
    if (end === undefined) return undefined;
    return { sighting: { facts, from, to: end }, times: () => own?.filter((time) => time <= present) };
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
    for (const sighting of sightings) {
      const { instance } = sighting.facts;
      if (instance === null) continue;
      const known = gpu.instances.get(instance);
      const after = afterInstance(known, sighting);
      if (after !== known) gpu.instances.set(instance, after);
    }
    gpu.instances.write(gpu.id, instances, gpu.gpu?.lastSeen);
  };

  const writeStayEnd = (gpu: KnownGpu, end: number | undefined): void => {
    if (gpu.stay === undefined || end === undefined || gpu.stayEnd === end) return;
    stays.extend(gpu, { from: gpu.stay.from, to: end });
    gpu.stayEnd = end;
  };

  const learnStays = (gpu: KnownGpu, parts: readonly Part[]): void => {
    for (const { sighting, times } of parts) {
      const { facts, from, to } = sighting;
      const { host, index } = facts;
      if (host === "") continue;
      const { stay } = gpu;
      if (stay !== undefined && from >= stay.from && sameSlot(stay, facts)) {
        if (to > stay.to) gpu.stay = { ...stay, to };
        continue;
      }
      writeStayEnd(gpu, stay?.to);
      gpu.stay = stays.add(gpu, stay, { host, index, from, to }, times);
      gpu.stayEnd = undefined;
    }
  };

  return {
    learn(gpu, learned, present) {
      const fresh: Part[] = [];
      const all = learned.flatMap((one) => {
        const part = presentPart(gpu, one, present);
        if (part === undefined) return [];
        if (one.fresh) fresh.push(part);
        return [part.sighting];
      });
      // Stays first: reading their table needs the last reading that it was written with.
      learnStays(gpu, fresh);
      learnFacts(gpu, all);
      learnInstances(gpu, all);
      writeStayEnd(gpu, gpu.stay && storedEnd(gpu.stay.to, gpu.gpu?.lastSeen));
    },
  };
}
