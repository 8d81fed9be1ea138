/**
 * Who held each GPU as this process knows it, and what of it the database has not been told yet. A change of holder is
 * urgent; that an interval goes on is written when it is 30 s behind, or when things are quiet.
 */
import { AppError } from "../../../../schema/model/errors.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import type { Held } from "../../holders.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { AttributionDocument, Collections } from "../documents.ts";
import {
  dayId,
  extendsNewest,
  heldOf,
  isNewer,
  revisionDocument,
  sameIntervals,
  type Told,
  takeIn,
} from "./attribution-days.ts";
import { LAG_MS } from "./gpu-ledger.ts";

/** Days remembered; one for each GPU, as long as time goes on. */
const KNOWN_MAX = 20_000;
/** Days read or inserted at once. */
const CHUNK = 1000;
/** Another writer was faster so many times in a row. */
const ATTEMPTS_MAX = 50;
/** Intervals of one day: some 2 MB. What is above is a source gone wild; the newest are kept. */
const HELD_MAX = 20_000;

interface Day {
  readonly id: string;
  readonly gpu: GpuUuid;
  /** As read or written last; undefined: not read yet, or another writer was faster. 0: there is none. */
  rev: number | undefined;
  held: readonly Held[];
  /** Not in the database yet, oldest first. */
  told: Told[];
}

/** A day as it is to be. */
interface Change {
  readonly day: Day;
  readonly held: readonly Held[];
  readonly told: readonly Told[];
}

export interface AttributionLedger {
  told(gpu: GpuUuid, told: Told): void;
  readonly hasUrgent: boolean;
  readonly isBehind: boolean;
  /** Writes what is urgent, or everything. What cannot be written now stays in the ledger. */
  write(options: { all: boolean }): Promise<void>;
  /** The day's intervals as the database has them, brought up to what this process knows. */
  current(id: string, held: readonly Held[]): readonly Held[];
  /** Somebody else has changed days. */
  reread(): void;
}

function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

const isExtension = ({ held, rev }: Day, told: Told): boolean =>
  rev !== undefined && extendsNewest(held, told) && told.to - (held.at(-1) as Held).to < LAG_MS;

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
    const told = [...day.told];
    const held = told.reduce(takeIn, day.held);
    if (held.length > HELD_MAX) log.warn("oldest intervals of a day dropped", { day: day.id, kept: HELD_MAX });
    return { day, held: held.slice(-HELD_MAX), told };
  };

  const settle = ({ day, held, told }: Change, rev: number): void => {
    day.rev = rev;
    day.held = held;
    day.told = day.told.slice(told.length);
    urgent.delete(day);
    if (day.told.length === 0) behind.delete(day);
    else if (!day.told.every((one) => isExtension(day, one))) urgent.add(day);
  };

  /** Revisions of the days, and the ids of those that nobody needs: all but the newest two. */
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
    // An id may be free because its revision is long gone: then a newer one is there.
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
    told(gpu, told) {
      const id = dayId(gpu, told.from);
      let day = days.get(id);
      if (day === undefined) {
        day = { id, gpu, rev: undefined, held: [], told: [] };
        days.set(id, day);
      }
      if (!isExtension(day, told)) urgent.add(day);
      else if (day.told.length === 0 && told.to <= (day.held.at(-1) as Held).to) return;
      day.told.push(told);
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
          throw new AppError(`Cannot store attribution in ${link.place}: others keep changing ${open[0]?.id}`, {
            code: "unavailable",
          });
        }
        await round(open);
        open = open.filter(({ rev }) => rev === undefined);
      }
      forgetSome();
    },
    current(id, held) {
      const told = days.get(id)?.told ?? [];
      return told.reduce(takeIn, held);
    },
    reread() {
      for (const day of days.values()) day.rev = undefined;
    },
  };
}
