/**
 * Holds attribution as this process knows it, and the sightings that are not written yet. A change of holder is urgent.
 * An extension of the newest interval is urgent only if the database is 30 s behind; otherwise it waits for a pause
 * between saves.
 */
import { AppError } from "../../../../schema/model/errors.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import type { Held } from "../../holders.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { AttributionDocument, Collections } from "../documents.ts";
import {
  type DaySighting,
  dayId,
  extendsNewest,
  heldOf,
  isNewer,
  revisionDocument,
  sameIntervals,
  withSighting,
} from "./attribution-days.ts";
import { LAG_MS } from "./gpu-ledger.ts";

/** How many days to remember. While readings are current, each GPU has one day. */
const KNOWN_MAX = 20_000;
/** Number of days that one command reads or inserts. */
const CHUNK = 1000;
/** How many rounds a write may lose to other writers before it fails. */
const ATTEMPTS_MAX = 50;
/** How many intervals a day may have, about 2 MB. Only a broken source has more; the oldest are then dropped. */
const HELD_MAX = 20_000;

interface Day {
  readonly id: string;
  readonly gpu: GpuUuid;
  /** Revision last read or written. 0: the day has none. Undefined: not read yet, or another writer was first. */
  rev: number | undefined;
  /** Intervals of that revision. */
  held: readonly Held[];
  /** Sightings that are in no revision yet, in the order in which they were added. */
  pending: DaySighting[];
}

/** The next revision of a day. */
interface Change {
  readonly day: Day;
  readonly held: readonly Held[];
  /** The pending sightings that `held` includes. */
  readonly added: readonly DaySighting[];
}

export interface AttributionLedger {
  add(gpu: GpuUuid, sighting: DaySighting): void;
  readonly hasUrgent: boolean;
  readonly isBehind: boolean;
  /** Writes the urgent days, or all that are behind. After an error, everything that is not written stays pending. */
  write(options: { all: boolean }): Promise<void>;
  /** Returns a day's intervals, as read from the database, with this process's pending sightings added. */
  current(id: string, held: readonly Held[]): readonly Held[];
  /** Makes the next write read every day again. Call after days were changed outside the ledger. */
  reread(): void;
}

function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

/** True if the sighting may wait, because it extends the newest interval by less than `LAG_MS`. */
const canWait = ({ held, rev }: Day, sighting: DaySighting): boolean =>
  rev !== undefined && extendsNewest(held, sighting) && sighting.to - (held.at(-1) as Held).to < LAG_MS;

export function createAttributionLedger(
  link: Link,
  { attributions: collection }: Collections,
  log: Logger,
): AttributionLedger {
  const days = new Map<string, Day>();
  const behind = new Set<Day>();
  const urgent = new Set<Day>();

  const read = async (asked: readonly Day[]): Promise<void> => {
    const newest = new Map<string, AttributionDocument>();
    for (const some of chunksOf(asked)) {
      const found = await link.call((signal) =>
        collection.find({ day: { $in: some.map(({ id }) => id) } }, reading(signal)).toArray(),
      );
      for (const document of found) if (isNewer(document, newest.get(document.day))) newest.set(document.day, document);
    }
    for (const day of asked) {
      const document = newest.get(day.id);
      day.rev = document?.rev ?? 0;
      day.held = document?.held.map(heldOf) ?? [];
    }
  };

  const changeOf = (day: Day): Change => {
    const added = [...day.pending];
    const held = added.reduce(withSighting, day.held);
    if (held.length > HELD_MAX) log.warn("oldest intervals of a day dropped", { day: day.id, kept: HELD_MAX });
    return { day, held: held.slice(-HELD_MAX), added };
  };

  const settle = ({ day, held, added }: Change, rev: number): void => {
    day.rev = rev;
    day.held = held;
    day.pending = day.pending.slice(added.length);
    urgent.delete(day);
    if (day.pending.length === 0) behind.delete(day);
    else if (!day.pending.every((sighting) => canWait(day, sighting))) urgent.add(day);
  };

  /** Returns the newest revision of each day, and the ids of all but the newest two, which can be deleted. */
  const revisionsOf = async (changes: readonly Change[]) => {
    const days = changes.map(({ day }) => day.id);
    const found = await link.call((signal) =>
      collection.find({ day: { $in: days } }, { ...reading(signal), projection: { day: 1, rev: 1 } }).toArray(),
    );
    const newest = new Map<string, number>();
    for (const one of found) if (isNewer(one, { rev: newest.get(one.day) ?? 0 })) newest.set(one.day, one.rev);
    const isOld = ({ day, rev }: { day: string; rev: number }) => rev < (newest.get(day) as number) - 1;
    return { newest, old: found.filter(isOld).map(({ _id }) => _id) };
  };

  const insert = async (changes: readonly Change[]): Promise<void> => {
    const documents = changes.map(({ day, held }) =>
      revisionDocument({ id: day.id, gpu: day.gpu, rev: (day.rev as number) + 1, held }),
    );
    const there = await link.call((signal) => insertNew(link, collection, documents, signal));
    const added = changes.filter((change, index) => {
      if (there.has(index)) change.day.rev = undefined;
      return !there.has(index);
    });
    if (added.length === 0) return;
    // An id may have been free because its revision was deleted. Then a newer revision exists.
    const { newest, old } = await revisionsOf(added);
    for (const change of added) {
      const rev = (change.day.rev as number) + 1;
      if (newest.get(change.day.id) === rev) settle(change, rev);
      else change.day.rev = undefined;
    }
    if (old.length > 0) await link.call((signal) => collection.deleteMany({ _id: { $in: old } }, writing(signal)));
  };

  const round = async (asked: readonly Day[]): Promise<void> => {
    await read(asked.filter(({ rev }) => rev === undefined));
    const changes: Change[] = [];
    for (const day of asked) {
      const change = changeOf(day);
      if (sameIntervals(change.held, day.held)) settle(change, day.rev as number);
      else changes.push(change);
    }
    for (const some of chunksOf(changes)) await insert(some);
  };

  const forgetSome = (): void => {
    for (const [id, day] of days) {
      if (days.size <= KNOWN_MAX) return;
      if (!behind.has(day)) days.delete(id);
    }
  };

  return {
    add(gpu, sighting) {
      const id = dayId(gpu, sighting.from);
      let day = days.get(id);
      if (day === undefined) {
        day = { id, gpu, rev: undefined, held: [], pending: [] };
        days.set(id, day);
      }
      if (!canWait(day, sighting)) urgent.add(day);
      else if (day.pending.length === 0 && sighting.to <= (day.held.at(-1) as Held).to) return;
      day.pending.push(sighting);
      behind.add(day);
    },
    get hasUrgent() {
      return urgent.size > 0;
    },
    get isBehind() {
      return behind.size > 0;
    },
    async write({ all }) {
      let open: readonly Day[] = [...(all ? behind : urgent)];
      for (let attempt = 0; open.length > 0; attempt++) {
        if (attempt === ATTEMPTS_MAX) {
          throw new AppError(
            `Cannot store attribution in ${link.place}: other writers keep changing day ${open[0]?.id}`,
            {
              code: "unavailable",
            },
          );
        }
        await round(open);
        open = open.filter(({ rev }) => rev === undefined);
      }
      forgetSome();
    },
    current(id, held) {
      const pending = days.get(id)?.pending ?? [];
      return pending.reduce(withSighting, held);
    },
    reread() {
      for (const day of days.values()) day.rev = undefined;
    },
  };
}
