/**
 * Holds GPUs as this process knows them, and the changes that are not written yet. New facts, a new instance, an
 * earlier `firstSeen` and the first bucket of a list of series in an hour are urgent. Everything else is compared with
 * the stored documents once a minute, and written where they differ. Last times are in the pulses.
 */
import type { AnyBulkWriteOperation, UpdateFilter } from "mongodb";
import { hourStartMs, type Sighting } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import { afterInstance, afterSighting, type KnownInstance, sameFacts } from "../../inventory.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { Collections, GpuDocument } from "../documents.ts";
import type { LastTimes, Pulses } from "../holds/pulses.ts";
import type { SeriesList } from "../readings/series-lists.ts";
import { differenceOf, type KnownState } from "./gpu-difference.ts";

/** How many GPUs to remember, about 1 KB each. */
const KNOWN_MAX = 20_000;
/** Number of GPUs that one command reads or inserts. */
const CHUNK = 1000;
/** Number of updates in one command. Some servers take a separate connection for each update. */
const UPDATES_MAX = 50;

interface Known {
  /** As last compared with the stored document. Undefined: not compared yet. */
  written: KnownState | undefined;
  latest: KnownState;
}

const NO_HOURS: ReadonlyMap<SeriesList, number> = new Map();

const isBehind = ({ written, latest }: Known): boolean => written !== latest;

const hasNewInstance = (written: KnownState, latest: KnownState): boolean =>
  written.instances !== latest.instances &&
  [...latest.instances].some(([id, { profile }]) => written.instances.get(id)?.profile !== profile);

const isUrgent = ({ written, latest }: Known): boolean =>
  written === undefined ||
  written.hours !== latest.hours ||
  latest.gpu.firstSeen < written.gpu.firstSeen ||
  !sameFacts(latest.gpu, written.gpu) ||
  hasNewInstance(written, latest);

export interface InventoryLedger {
  addSighting(sighting: Sighting): void;
  /** Records a stored bucket that begins at `from`. */
  addBucket(gpu: GpuUuid, list: SeriesList, from: number): void;
  readonly hasUrgent: boolean;
  readonly isBehind: boolean;
  /** Writes the urgent GPUs, or all that are behind. After an error, everything that is not written stays pending. */
  write(options: { all: boolean }): Promise<void>;
  /** Returns what this process knows of a GPU and may not have written yet. */
  known(gpu: GpuUuid): KnownState | undefined;
}

export function createInventoryLedger(
  link: Link,
  { gpus: collection }: Pick<Collections, "gpus">,
  pulses: Pulses,
): InventoryLedger {
  const gpus = new Map<GpuUuid, Known>();
  /** Hours of GPUs of which every sighting is ahead of the clock. */
  const hoursAhead = new Map<GpuUuid, ReadonlyMap<SeriesList, number>>();
  const behind = new Set<Known>();
  const urgent = new Set<Known>();

  const note = (known: Known): void => {
    if (isBehind(known)) behind.add(known);
    if (isUrgent(known)) urgent.add(known);
  };

  const settle = (known: Known, written: KnownState): void => {
    known.written = written;
    if (!isBehind(known)) behind.delete(known);
    if (!isUrgent(known)) urgent.delete(known);
  };

  const forgetSome = (): void => {
    for (const [uuid, known] of gpus) {
      if (gpus.size <= KNOWN_MAX) return;
      if (!behind.has(known)) gpus.delete(uuid);
    }
  };

  const storedOf = async (asked: readonly Known[]): Promise<Map<GpuUuid, GpuDocument>> => {
    const ids = asked.map(({ latest }) => latest.gpu.uuid);
    const found = await link.call((signal) => collection.find({ _id: { $in: ids } }, reading(signal)).toArray());
    return new Map(found.map((document) => [document._id, document]));
  };

  /** Inserts GPUs without a document. Returns those that another process has inserted meanwhile. */
  const insert = async (added: readonly Known[]): Promise<Known[]> => {
    if (added.length === 0) return [];
    const states = added.map(({ latest }) => latest);
    const documents = states.map((state) => differenceOf(state, undefined, undefined).document);
    const there = await link.call((signal) => insertNew(link, collection, documents, signal));
    for (const [index, known] of added.entries()) {
      if (!there.has(index)) settle(known, states[index] as KnownState);
    }
    return added.filter((_, index) => there.has(index));
  };

  const update = async (updates: readonly (readonly [GpuUuid, UpdateFilter<GpuDocument>])[]): Promise<void> => {
    for (let start = 0; start < updates.length; start += UPDATES_MAX) {
      const operations = updates.slice(start, start + UPDATES_MAX).map(
        ([_id, change]): AnyBulkWriteOperation<GpuDocument> => ({
          updateOne: { filter: { _id }, update: change },
        }),
      );
      await link.call((signal) => collection.bulkWrite(operations, { ordered: false, ...writing(signal) }));
    }
  };

  const writeChunk = async (some: readonly Known[], times: LastTimes): Promise<void> => {
    const stored = await storedOf(some);
    const inserted = await insert(some.filter(({ latest }) => !stored.has(latest.gpu.uuid)));
    if (inserted.length > 0) for (const [uuid, document] of await storedOf(inserted)) stored.set(uuid, document);
    const compared: [Known, KnownState][] = [];
    const updates: [GpuUuid, UpdateFilter<GpuDocument>][] = [];
    for (const known of some) {
      const { uuid } = known.latest.gpu;
      const document = stored.get(uuid);
      if (document === undefined) continue;
      const { change } = differenceOf(known.latest, document, times.seen.get(uuid));
      if (change !== null) updates.push([uuid, change]);
      compared.push([known, known.latest]);
    }
    await update(updates);
    for (const [known, state] of compared) settle(known, state);
  };

  return {
    addSighting(sighting) {
      const { uuid, instance } = sighting.facts;
      const known = gpus.get(uuid);
      const before = known?.latest;
      const gpu = afterSighting(before?.gpu, sighting);
      pulses.noteSeen(uuid, sighting.to);
      let instances = before?.instances ?? new Map<string, KnownInstance>();
      if (instance !== null) {
        const seen = afterInstance(instances.get(instance), sighting);
        if (seen !== instances.get(instance)) instances = new Map(instances).set(instance, seen);
      }
      if (known === undefined) {
        const added: Known = {
          written: undefined,
          latest: { gpu, instances, hours: hoursAhead.get(uuid) ?? NO_HOURS },
        };
        hoursAhead.delete(uuid);
        gpus.set(uuid, added);
        note(added);
        return;
      }
      if (gpu === known.latest.gpu && instances === known.latest.instances) return;
      known.latest = { ...known.latest, gpu, instances };
      note(known);
    },
    addBucket(gpu, list, from) {
      const known = gpus.get(gpu);
      const hours = known?.latest.hours ?? hoursAhead.get(gpu) ?? NO_HOURS;
      const hour = hourStartMs(from);
      if (hour <= (hours.get(list) ?? Number.NEGATIVE_INFINITY)) return;
      const after = new Map(hours).set(list, hour);
      if (known === undefined) {
        hoursAhead.set(gpu, after);
        return;
      }
      known.latest = { ...known.latest, hours: after };
      note(known);
    },
    get hasUrgent() {
      return urgent.size > 0;
    },
    get isBehind() {
      return behind.size > 0;
    },
    async write({ all }) {
      const asked = [...(all ? behind : urgent)];
      if (asked.length === 0) return;
      const times = await pulses.lastTimes();
      for (let start = 0; start < asked.length; start += CHUNK) {
        await writeChunk(asked.slice(start, start + CHUNK), times);
      }
      forgetSome();
    },
    known: (gpu) => gpus.get(gpu)?.latest,
  };
}
