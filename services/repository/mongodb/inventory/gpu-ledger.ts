/**
 * Holds GPUs as this process knows them, and the changes that are not written yet. New facts, an earlier `firstSeen`,
 * the first bucket of a list of series in an hour, and a `lastSeen` that is 30 s behind are urgent. Other changes wait
 * for a pause between saves.
 */
import type { AnyBulkWriteOperation } from "mongodb";
import { hourStartMs, type Sighting } from "../../../../schema/batch/batch.ts";
import type { Gpu, GpuUuid } from "../../../../schema/model/gpu.ts";
import { afterSighting, placeOf, sameFacts } from "../../inventory.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, writing } from "../connection/link.ts";
import type { Collections, GpuDocument, SeenDocument } from "../documents.ts";
import type { SeriesList } from "../readings/series-lists.ts";

/** How far the database's last times may be behind the newest reading. */
export const LAG_MS = 30_000;
/** How many GPUs to remember, about 1 KB each. */
const KNOWN_MAX = 20_000;
const INSERTS_MAX = 1000;
/** Number of updates in one command. Some servers take a separate connection for each update. */
const UPDATES_MAX = 50;

interface Known {
  /** The GPU as this process last wrote it. Other processes may have written newer facts. */
  written: Gpu | undefined;
  /** The GPU as this process knows it. */
  latest: Gpu;
  /** Start of the newest hour of each list of series, as written. */
  readonly hours: Map<SeriesList, number>;
  /** Newer hours that are not written yet. */
  readonly newHours: Map<SeriesList, number>;
}

const isBehind = ({ written, latest, newHours }: Known): boolean => written !== latest || newHours.size > 0;

const isUrgent = ({ written, latest, newHours }: Known): boolean =>
  written === undefined ||
  newHours.size > 0 ||
  latest.firstSeen < written.firstSeen ||
  latest.lastSeen - written.lastSeen >= LAG_MS ||
  !sameFacts(latest, written);

const seenOf = ({ lastSeen, host, index, device, model, driver, container, pod, namespace }: Gpu): SeenDocument => ({
  lastSeen: new Date(lastSeen),
  host,
  index,
  device,
  model,
  driver,
  container,
  pod,
  namespace,
  place: placeOf(index),
});

export interface InventoryLedger {
  addSighting(sighting: Sighting): void;
  /** Records a stored bucket that begins at `from`. */
  addBucket(gpu: GpuUuid, list: SeriesList, from: number): void;
  readonly hasUrgent: boolean;
  readonly isBehind: boolean;
  /** Writes the urgent GPUs, or all that are behind. After an error, everything that is not written stays pending. */
  write(options: { all: boolean }): Promise<void>;
  /** Returns a GPU, as read from the database, with the newer facts and times that this process knows. */
  current(gpu: Gpu): Gpu;
}

interface Update {
  readonly known: Known;
  readonly latest: Gpu;
  readonly newest: ReadonlyMap<string, Date>;
  readonly hours: ReadonlyMap<SeriesList, number>;
}

export function createInventoryLedger(link: Link, { gpus: collection }: Collections): InventoryLedger {
  const gpus = new Map<GpuUuid, Known>();
  const behind = new Set<Known>();
  const urgent = new Set<Known>();

  const note = (known: Known): void => {
    if (isBehind(known)) behind.add(known);
    if (isUrgent(known)) urgent.add(known);
  };

  const newestOf = (hours: ReadonlyMap<SeriesList, number>): Map<string, Date> => {
    const newest = new Map<string, Date>();
    for (const [{ fields }, hour] of hours) {
      for (const field of fields) {
        if (hour > (newest.get(field)?.getTime() ?? Number.NEGATIVE_INFINITY)) newest.set(field, new Date(hour));
      }
    }
    return newest;
  };

  const documentOf = ({ latest, newest }: Update): GpuDocument => ({
    _id: latest.uuid,
    v: 1,
    firstSeen: new Date(latest.firstSeen),
    seen: seenOf(latest),
    newest: Object.fromEntries(newest),
  });

  /** `$max` and `$min` keep the newest facts and the first time, so that concurrent writers need no lock. */
  const operationOf = ({ latest, newest }: Update) => ({
    updateOne: {
      filter: { _id: latest.uuid },
      update: {
        $max: {
          seen: seenOf(latest),
          ...Object.fromEntries([...newest].map(([field, hour]) => [`newest.${field}`, hour])),
        },
        $min: { firstSeen: new Date(latest.firstSeen) },
        $setOnInsert: { v: 1 },
      },
      upsert: true,
    },
  });

  const settle = ({ known, latest, hours }: Update): void => {
    known.written = latest;
    for (const [list, hour] of hours) {
      known.hours.set(list, hour);
      if (known.newHours.get(list) === hour) known.newHours.delete(list);
    }
    if (!isBehind(known)) behind.delete(known);
    if (!isUrgent(known)) urgent.delete(known);
  };

  const forgetSome = (): void => {
    for (const [uuid, known] of gpus) {
      if (gpus.size <= KNOWN_MAX) return;
      if (!behind.has(known)) gpus.delete(uuid);
    }
  };

  const writeUpdates = async (updates: readonly Update[]): Promise<void> => {
    for (let start = 0; start < updates.length; start += UPDATES_MAX) {
      const some = updates.slice(start, start + UPDATES_MAX);
      await link.call((signal) =>
        collection.bulkWrite(some.map(operationOf) as AnyBulkWriteOperation<GpuDocument>[], {
          ordered: false,
          ...writing(signal),
        }),
      );
      some.forEach(settle);
    }
  };

  return {
    addSighting(sighting) {
      const { uuid } = sighting.facts;
      let known = gpus.get(uuid);
      if (known === undefined) {
        const latest = afterSighting(undefined, sighting);
        known = { written: undefined, latest, hours: new Map(), newHours: new Map() };
        gpus.set(uuid, known);
      } else {
        known.latest = afterSighting(known.latest, sighting);
      }
      note(known);
    },
    addBucket(gpu, list, from) {
      const known = gpus.get(gpu) as Known;
      const hour = hourStartMs(from);
      const newest = Math.max(
        known.hours.get(list) ?? Number.NEGATIVE_INFINITY,
        known.newHours.get(list) ?? Number.NEGATIVE_INFINITY,
      );
      if (hour <= newest) return;
      known.newHours.set(list, hour);
      note(known);
    },
    get hasUrgent() {
      return urgent.size > 0;
    },
    get isBehind() {
      return behind.size > 0;
    },
    async write({ all }) {
      const updates = [...(all ? behind : urgent)].map((known): Update => {
        const hours = new Map(known.newHours);
        return { known, latest: known.latest, hours, newest: newestOf(hours) };
      });
      const isNew = ({ known }: Update) => known.written === undefined;
      const added = updates.filter(isNew);
      const rest = updates.filter((update) => !isNew(update));
      for (let start = 0; start < added.length; start += INSERTS_MAX) {
        const some = added.slice(start, start + INSERTS_MAX);
        const there = await link.call((signal) => insertNew(link, collection, some.map(documentOf), signal));
        for (const [index, update] of some.entries()) {
          if (there.has(index)) rest.push(update);
          else settle(update);
        }
      }
      await writeUpdates(rest);
      forgetSome();
    },
    current(gpu) {
      const latest = gpus.get(gpu.uuid)?.latest;
      return latest === undefined
        ? gpu
        : afterSighting(gpu, { facts: latest, from: latest.firstSeen, to: latest.lastSeen });
    },
  };
}
