/**
 * Pulses: the last time of each GPU, and up to when its open holds last. They change with every reading, so a process
 * gathers them for a minute and then writes those of some hundred GPUs in one document.
 */
import { createHash } from "node:crypto";
import type { Filter, UpdateFilter } from "mongodb";
import { fnv1a } from "../../../../schema/model/fnv1a.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import { type CallOptions, type Link, reading, writing } from "../connection/link.ts";
import type { Collections, PulseDocument } from "../documents.ts";
import { fieldOf, seriesOfField } from "../readings/field-names.ts";

/** Time between two writes of a process. Last times that other processes read are at most this far behind. */
export const PULSE_MS = 60_000;
/** About how many GPUs share a document: about 100 bytes each. */
const SHARE = 512;
/** Number of holds that one command forgets. */
const FORGET_MAX = 100;

const nameOf = (gpu: GpuUuid): string => fieldOf(gpu as string as Series);
const gpuOf = (name: string): GpuUuid => seriesOfField(name) as string as GpuUuid;

/** Returns the name of a hold in the pulses: short, because it is stored once per hold in each minute's writes. */
export const beatOf = (holdId: string): string => createHash("sha256").update(holdId).digest("hex").slice(0, 16);

/** The last times that are known, stored or gathered in this process. */
export interface LastTimes {
  /** Time of the last reading. */
  readonly seen: ReadonlyMap<GpuUuid, number>;
  /** Up to when a hold lasts that has not ended. By `beatOf`. */
  readonly held: ReadonlyMap<string, number>;
}

export interface Pulses {
  noteSeen(gpu: GpuUuid, at: number): void;
  noteHeld(gpu: GpuUuid, beat: string, to: number): void;
  readonly hasGathered: boolean;
  /** Writes what is gathered. After an error it stays gathered. */
  write(): Promise<void>;
  /** Drops the times of holds that have ended or are gone. */
  forget(beats: readonly string[]): Promise<void>;
  lastTimes(options?: CallOptions): Promise<LastTimes>;
}

interface Gathered {
  seen?: number;
  readonly held: Map<string, number>;
}

const later = (one: number | undefined, other: number): number => Math.max(one ?? other, other);

/** Every process may choose another number of shares: readers take the latest time of all documents. */
const shareOf = (gpu: GpuUuid, shares: number): string => `${shares}:${(fnv1a(gpu) >>> 0) % shares}`;

function updateOf(gathered: readonly (readonly [GpuUuid, Gathered])[]): UpdateFilter<PulseDocument> {
  const latest: Record<string, unknown> = {};
  for (const [gpu, { seen, held }] of gathered) {
    if (seen !== undefined) latest[`seen.${nameOf(gpu)}`] = new Date(seen);
    for (const [beat, to] of held) latest[`held.${beat}`] = new Date(to);
  }
  return { $max: latest, $setOnInsert: { v: 1 } } as UpdateFilter<PulseDocument>;
}

export function createPulses(link: Link, { pulses: collection }: Collections): Pulses {
  let gathered = new Map<GpuUuid, Gathered>();
  /** What a write is storing; reads include it. */
  let leaving: ReadonlyMap<GpuUuid, Gathered> = new Map();
  const ofGpu = (gpu: GpuUuid): Gathered => {
    let known = gathered.get(gpu);
    if (known === undefined) {
      known = { held: new Map() };
      gathered.set(gpu, known);
    }
    return known;
  };
  const noteSeen = (gpu: GpuUuid, at: number): void => {
    const known = ofGpu(gpu);
    known.seen = later(known.seen, at);
  };
  const noteHeld = (gpu: GpuUuid, beat: string, to: number): void => {
    const { held } = ofGpu(gpu);
    held.set(beat, later(held.get(beat), to));
  };

  const writeGathered = async (): Promise<void> => {
    const taken = gathered;
    leaving = taken;
    gathered = new Map();
    const shares = 2 ** Math.max(0, Math.ceil(Math.log2(taken.size / SHARE)));
    const groups = Map.groupBy(taken, ([gpu]) => shareOf(gpu, shares));
    try {
      for (const [_id, group] of groups) {
        const filter: Filter<PulseDocument> = { _id };
        await link.call((signal) =>
          collection.updateOne(filter, updateOf(group), { upsert: true, ...writing(signal) }),
        );
      }
    } catch (error) {
      for (const [gpu, { seen, held }] of taken) {
        if (seen !== undefined) noteSeen(gpu, seen);
        for (const [beat, to] of held) noteHeld(gpu, beat, to);
      }
      throw error;
    } finally {
      leaving = new Map();
    }
  };
  let last: Promise<void> = Promise.resolve();

  return {
    noteSeen,
    noteHeld,
    get hasGathered() {
      return gathered.size > 0;
    },
    write() {
      const done = last.then(writeGathered);
      last = done.catch(() => {});
      return done;
    },
    async forget(beats) {
      for (const { held } of [...gathered.values(), ...leaving.values()]) for (const beat of beats) held.delete(beat);
      for (let start = 0; start < beats.length; start += FORGET_MAX) {
        const fields = beats.slice(start, start + FORGET_MAX).map((beat) => `held.${beat}`);
        await link.call((signal) =>
          collection.updateMany(
            { $or: fields.map((field) => ({ [field]: { $exists: true } })) } as Filter<PulseDocument>,
            { $unset: Object.fromEntries(fields.map((field) => [field, ""])) } as UpdateFilter<PulseDocument>,
            writing(signal),
          ),
        );
      }
    },
    lastTimes: (options) =>
      link.call(async (signal) => {
        const seen = new Map<GpuUuid, number>();
        const held = new Map<string, number>();
        for await (const document of collection.find({}, reading(signal))) {
          for (const [name, at] of Object.entries(document.seen ?? {})) {
            seen.set(gpuOf(name), later(seen.get(gpuOf(name)), at.getTime()));
          }
          for (const [beat, to] of Object.entries(document.held ?? {})) {
            held.set(beat, later(held.get(beat), to.getTime()));
          }
        }
        for (const [gpu, own] of [...leaving, ...gathered]) {
          if (own.seen !== undefined) seen.set(gpu, later(seen.get(gpu), own.seen));
          for (const [beat, to] of own.held) held.set(beat, later(held.get(beat), to));
        }
        return { seen, held };
      }, options),
  };
}
