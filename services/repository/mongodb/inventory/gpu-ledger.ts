/**
 * What this process knows of each GPU, and what of it the database has not been told yet. Facts, a first bucket of a
 * series in an hour and times that are 30 s behind are urgent; the rest can wait.
 */
import type { AnyBulkWriteOperation } from "mongodb";
import { hourStartMs, type Sighting } from "../../../../schema/batch/batch.ts";
import type { Gpu, GpuUuid } from "../../../../schema/model/gpu.ts";
import { afterSighting, placeOf, sameFacts } from "../../inventory.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, writing } from "../connection/link.ts";
import type { Collections, GpuDocument, SeenDocument } from "../documents.ts";
import type { SeriesList } from "../readings/series-lists.ts";

/** Times in the database may be so far behind the newest reading. */
export const LAG_MS = 30_000;
/** GPUs remembered; about 1 KB each. */
const KNOWN_MAX = 20_000;
const INSERTS_MAX = 1000;
/** Updates in one command: some servers hold a connection of their own for each. */
const UPDATES_MAX = 50;

interface Known {
  /** As this process last wrote it; the database may know newer things. */
  stored: Gpu | undefined;
  told: Gpu;
  /** Newest hour of each list of series: written, and yet to be written. */
  readonly hours: Map<SeriesList, number>;
  readonly newHours: Map<SeriesList, number>;
}

const isBehind = ({ stored, told, newHours }: Known): boolean => stored !== told || newHours.size > 0;

const isUrgent = ({ stored, told, newHours }: Known): boolean =>
  stored === undefined ||
  newHours.size > 0 ||
  told.firstSeen < stored.firstSeen ||
  told.lastSeen - stored.lastSeen >= LAG_MS ||
  !sameFacts(told, stored);

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
  sighted(sighting: Sighting): void;
  /** A bucket with these series that begins at the time is stored. */
  stored(gpu: GpuUuid, list: SeriesList, from: number): void;
  readonly hasUrgent: boolean;
  readonly isBehind: boolean;
  /** Writes what is urgent, or everything. What cannot be written now stays in the ledger. */
  write(options: { all: boolean }): Promise<void>;
  /** The GPU as the database has it, brought up to what this process knows. */
  current(gpu: Gpu): Gpu;
}

interface Update {
  readonly known: Known;
  readonly told: Gpu;
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

  const documentOf = ({ told, newest }: Update): GpuDocument => ({
    _id: told.uuid,
    v: 1,
    firstSeen: new Date(told.firstSeen),
    seen: seenOf(told),
    newest: Object.fromEntries(newest),
  });

  /** Each operator keeps what is newest, so that writers need not know of each other. */
  const operationOf = ({ told, newest }: Update) => ({
    updateOne: {
      filter: { _id: told.uuid },
      update: {
        $max: {
          seen: seenOf(told),
          ...Object.fromEntries([...newest].map(([field, hour]) => [`newest.${field}`, hour])),
        },
        $min: { firstSeen: new Date(told.firstSeen) },
        $setOnInsert: { v: 1 },
      },
      upsert: true,
    },
  });

  const settle = ({ known, told, hours }: Update): void => {
    known.stored = told;
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
    sighted(sighting) {
      const { uuid } = sighting.facts;
      let known = gpus.get(uuid);
      if (known === undefined) {
        const told = afterSighting(undefined, sighting);
        known = { stored: undefined, told, hours: new Map(), newHours: new Map() };
        gpus.set(uuid, known);
      } else {
        known.told = afterSighting(known.told, sighting);
      }
      note(known);
    },
    stored(gpu, list, from) {
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
        return { known, told: known.told, hours, newest: newestOf(hours) };
      });
      const isNew = ({ known }: Update) => known.stored === undefined;
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
      const told = gpus.get(gpu.uuid)?.told;
      return told === undefined ? gpu : afterSighting(gpu, { facts: told, from: told.firstSeen, to: told.lastSeen });
    },
  };
}
