/** Stays of GPUs in the slots of hosts: which sightings change them, and how they are written. */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { addSighting, PLACEMENTS_MAX, type Stay, sameSlot, type TickFinder } from "../../placements.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { Collections, StayDocument } from "../documents.ts";
import type { Buckets } from "../readings/buckets.ts";

export const stayOf = ({ host, index, from, to }: StayDocument): Stay => ({
  host,
  index,
  from: from.getTime(),
  to: to.getTime(),
});

const stayId = (gpu: GpuUuid, { from, host, index }: Stay): string => `${gpu}|${from}|${host}|${index}`;

const stayDocument = (gpu: GpuUuid, stay: Stay): StayDocument => ({
  _id: stayId(gpu, stay),
  v: 1,
  gpu,
  host: stay.host,
  index: stay.index,
  from: new Date(stay.from),
  to: new Date(stay.to),
});

/** True if the sighting can only move the end of the newest stay, which is where the GPU's last reading is. */
export const extendsStay = (newest: Stay | undefined, sighting: Stay): boolean =>
  newest !== undefined && sighting.from >= newest.from && sameSlot(newest, sighting);

/** Returns the stays with the sightings added. Cuts are made at the readings nearest to them. */
async function withSightings(
  stays: readonly Stay[],
  sightings: readonly Stay[],
  ticksOf: (sighting: Stay) => Promise<TickFinder>,
): Promise<readonly Stay[]> {
  let all = stays;
  for (const sighting of sightings) {
    const isCut = all.some((stay) => stay.from <= sighting.to && stay.to >= sighting.from && !sameSlot(stay, sighting));
    all = addSighting(all, sighting, isCut ? await ticksOf(sighting) : NO_TICKS);
  }
  return all;
}

const NO_TICKS: TickFinder = { before: () => undefined, after: () => undefined };

export interface Stays {
  firstOf(gpu: GpuUuid): Promise<Stay | undefined>;
  /** Returns the newest stay of each GPU. */
  newestOf(gpus: readonly GpuUuid[]): Promise<ReadonlyMap<GpuUuid, Stay>>;
  /** Adds sightings to the stored stays of a GPU, of which this process has a turn. Returns the newest stay. */
  add(gpu: GpuUuid, sightings: readonly Stay[]): Promise<Stay | undefined>;
}

/** @param lastPresent returns the last time that counts as now */
export function createStays(
  link: Link,
  { stays: collection }: Pick<Collections, "stays">,
  { buckets, lastPresent }: { buckets: Buckets; lastPresent: () => number },
): Stays {
  const documentsOf = (gpu: GpuUuid) =>
    link.call((signal) =>
      collection.find({ gpu }, { ...reading(signal), sort: { from: 1 }, limit: PLACEMENTS_MAX }).toArray(),
    );

  const ticksOf = (gpu: GpuUuid) => (sighting: Stay) =>
    link.call(async (signal): Promise<TickFinder> => {
      const [before, after] = await Promise.all([
        buckets.tickBefore(gpu, sighting.from, Number.NEGATIVE_INFINITY, signal),
        buckets.tickAfter(gpu, sighting.to, lastPresent(), signal),
      ]);
      return {
        before: (_, earliest) => (before !== undefined && before >= earliest ? before : undefined),
        after: (_, latest) => (after !== undefined && after <= latest ? after : undefined),
      };
    });

  /** Returns the stays; the newest one lasts until the last stored reading. */
  const currentOf = async (gpu: GpuUuid, stored: readonly StayDocument[]): Promise<Stay[]> => {
    const stays = stored.map(stayOf);
    const newest = stays.pop();
    if (newest === undefined) return [];
    const last = await link.call((signal) => buckets.tickBefore(gpu, lastPresent() + 1, newest.from, signal));
    return [...stays, { ...newest, to: Math.max(newest.to, last ?? newest.to) }];
  };

  /** Cuts a sighting that reaches ahead of the clock at its last reading that counts. */
  const untilPresent = async (gpu: GpuUuid, sighting: Stay): Promise<Stay> => {
    const last = lastPresent();
    if (sighting.to <= last) return sighting;
    const tick = await link.call((signal) => buckets.tickBefore(gpu, last + 1, sighting.from, signal));
    return { ...sighting, to: tick ?? sighting.from };
  };

  return {
    async firstOf(gpu) {
      const [first] = await documentsOf(gpu);
      return first && stayOf(first);
    },
    async newestOf(gpus) {
      const newest = new Map<GpuUuid, Stay>();
      const cursor = await link.call((signal) =>
        collection.find({ gpu: { $in: gpus as GpuUuid[] } }, reading(signal)).toArray(),
      );
      for (const document of cursor) {
        const stay = stayOf(document);
        if (stay.from > (newest.get(document.gpu)?.from ?? Number.NEGATIVE_INFINITY)) newest.set(document.gpu, stay);
      }
      return newest;
    },
    async add(gpu, sightings) {
      const stored = await documentsOf(gpu);
      const newest = stored.at(-1);
      const last = newest && stayOf(newest);
      if (last !== undefined && sightings.every((sighting) => extendsStay(last, sighting))) return last;
      const counted = await Promise.all(sightings.map((sighting) => untilPresent(gpu, sighting)));
      // Where the GPU has never moved, nothing depends on when it reported last.
      const hasMoved = stored.length > 1 || sightings.some((sighting) => last && !sameSlot(last, sighting));
      const known = hasMoved ? await currentOf(gpu, stored) : stored.map(stayOf);
      const stays = await withSightings(known, counted, ticksOf(gpu));
      const before = new Map(stored.map((document) => [document._id, document]));
      const documents = stays.map((stay) => stayDocument(gpu, stay));
      const after = new Set(documents.map(({ _id }) => _id));
      const gone = stored.filter(({ _id }) => !after.has(_id)).map(({ _id }) => _id);
      const added = documents.filter(({ _id }) => !before.has(_id));
      // The end of the newest stay is not kept: it moves with each reading.
      const changed = documents.slice(0, -1).filter(({ _id, to }) => {
        const old = before.get(_id);
        return old !== undefined && old.to.getTime() !== to.getTime();
      });
      await link.call(async (signal) => {
        if (added.length > 0) await insertNew(link, collection, added, signal);
        for (const { _id, to } of changed) await collection.updateOne({ _id }, { $set: { to } }, writing(signal));
        if (gone.length > 0) await collection.deleteMany({ _id: { $in: gone } }, writing(signal));
      });
      return stays.at(-1);
    },
  };
}
