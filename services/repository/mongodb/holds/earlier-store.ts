/**
 * Takes over what version 1 wrote: attributions become holds, and GPUs get a stay. Processes of version 1 may go on
 * writing and reading beside this one: nothing of theirs is deleted, and what they write is taken over once a minute.
 */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Clock } from "../../../platform/process/clock.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import type { Stay } from "../../placements.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { AttributionDocument, Collections, GpuDocument } from "../documents.ts";
import {
  coveringHold,
  firstDifference,
  holdsOf,
  type Interval,
  intervalsOf,
  takenOver,
} from "./earlier-attributions.ts";
import { holdId, recordOf } from "./hold-documents.ts";
import type { HoldLedger } from "./ledger.ts";
import { beatOf, PULSE_MS, type Pulses } from "./pulses.ts";
import type { Stays } from "./stays.ts";
import type { Turns } from "./turns.ts";

/** Number of revisions that are looked for at once. */
const CHUNK = 200;

export interface EarlierStoreParts {
  readonly turns: Turns;
  readonly stays: Stays;
  readonly pulses: Pulses;
  readonly ledger: HoldLedger;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface EarlierStore {
  /** Takes over everything that is there, at most once a minute. After an interruption, the next call goes on. */
  takeOver(): Promise<void>;
}

type EarlierGpu = Pick<GpuDocument, "_id" | "seen" | "firstSeen" | "instances">;

const isTaken = ({ taken }: AttributionDocument): boolean => taken !== undefined;

export function createEarlierStore(
  link: Link,
  { attributions, gpus, holds }: Pick<Collections, "attributions" | "gpus" | "holds">,
  { turns, stays, pulses, ledger, clock, log }: EarlierStoreParts,
): EarlierStore {
  const { call } = link;
  const storedOf = (gpu: GpuUuid) => call((signal) => holds.find({ gpu }, reading(signal)).toArray());

  /** Turns attributions into holds of a GPU that no process of this version has stored. */
  const convert = (gpu: GpuUuid, intervals: readonly Interval[]): Promise<void> =>
    turns.during(gpu, async () => {
      const { added, changed } = takenOver(gpu, holdsOf(intervals), await storedOf(gpu));
      await call(async (signal) => {
        if (added.length > 0) await insertNew(link, holds, added, signal);
        for (const { _id, to, ended } of changed) {
          await holds.updateOne({ _id, ended: null }, { $set: { to, ended } }, writing(signal));
        }
      });
    });

  /** Returns the time before the first stay in which version 1 has seen the GPU. */
  const stayBefore = async ({ _id: gpu, firstSeen, seen }: EarlierGpu): Promise<Stay[]> => {
    const first = await stays.firstOf(gpu);
    const { host, index } = first ?? seen;
    const from = firstSeen.getTime();
    const to = Math.min(seen.lastSeen.getTime(), (first?.from ?? Number.POSITIVE_INFINITY) - 1);
    return host !== "" && from <= to ? [{ host, index, from, to }] : [];
  };

  /** Brings the holds of a GPU that both versions store up to what version 1 has seen. */
  const catchUp = async (document: EarlierGpu, intervals: readonly Interval[]): Promise<void> => {
    const gpu = document._id;
    const last = intervals.at(-1)?.to ?? Number.NEGATIVE_INFINITY;
    const stored = (await storedOf(gpu)).map(recordOf);
    pulses.noteSeen(gpu, last);
    for (const interval of intervals) {
      const hold = coveringHold(interval, stored);
      if (hold?.ended === null) pulses.noteHeld(gpu, beatOf(holdId(gpu, hold)), interval.to);
    }
    const sightings = await stayBefore(document);
    const since = firstDifference(intervals, stored) ?? (sightings.length > 0 ? last : undefined);
    if (since !== undefined) await ledger.relearn(gpu, { since, until: last, sightings });
  };

  const mark = (ids: readonly string[]): Promise<unknown> =>
    call((signal) =>
      attributions.updateMany({ _id: { $in: ids as string[] } }, { $set: { taken: true } }, writing(signal)),
    );

  /** Returns the ids of revisions to mark once the pulses are written. */
  const takeAttributions = async (gpu: GpuUuid): Promise<readonly string[]> => {
    const revisions = await call((signal) => attributions.find({ gpu }, reading(signal)).toArray());
    // Exactly those that were read: a process of version 1 may have written another revision since.
    const ids = revisions.filter((one) => !isTaken(one)).map(({ _id }) => _id);
    if (ids.length === 0) return [];
    const document = await call((signal) => gpus.findOne({ _id: gpu }, reading(signal)));
    const intervals = intervalsOf(revisions);
    const { turn } = (await turns.of([gpu]))(gpu);
    if (document === null || (document.instances === undefined && turn === 0)) {
      await convert(gpu, intervals);
      await mark(ids);
      return [];
    }
    await catchUp(document, intervals);
    return ids;
  };

  const takeGpu = async (gpu: GpuUuid): Promise<void> => {
    const document = await call((signal) => gpus.findOne({ _id: gpu }, reading(signal)));
    if (document === null || document.instances !== undefined) return;
    await turns.during(gpu, async () => void (await stays.add(gpu, await stayBefore(document))));
    await call((signal) =>
      gpus.updateOne({ _id: gpu, instances: { $exists: false } }, { $set: { instances: {} } }, writing(signal)),
    );
  };

  /** Returns some of the GPUs with a revision that is not taken over. */
  const attributed = (): Promise<ReadonlySet<GpuUuid>> =>
    call(async (signal) => {
      const options = { ...reading(signal), projection: { gpu: 1 }, limit: CHUNK };
      const found = await attributions.find({ taken: { $exists: false } }, options).toArray();
      return new Set(found.map(({ gpu }) => gpu));
    });

  const unplaced = (): Promise<readonly GpuUuid[]> =>
    call(async (signal) => {
      const options = { ...reading(signal), projection: { _id: 1 } };
      return (await gpus.find({ instances: { $exists: false } }, options).toArray()).map(({ _id }) => _id);
    });

  const takeAll = async (): Promise<number> => {
    const handled = new Set<GpuUuid>();
    for (;;) {
      // What version 1 goes on to write of these GPUs is taken over a minute later.
      const found = [...(await attributed())].filter((gpu) => !handled.has(gpu));
      if (found.length === 0) break;
      const caughtUp: string[] = [];
      for (const gpu of found) {
        handled.add(gpu);
        caughtUp.push(...(await takeAttributions(gpu)));
      }
      if (caughtUp.length === 0) continue;
      await pulses.write();
      await mark(caughtUp);
    }
    for (const gpu of await unplaced()) {
      handled.add(gpu);
      await takeGpu(gpu);
    }
    return handled.size;
  };

  let last = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    const taken = await takeAll();
    last = clock.now();
    if (taken > 0) log.info("GPUs of version 1 taken over", { gpus: taken });
  };
  return {
    async takeOver() {
      if (clock.now() - last < PULSE_MS) return;
      underWay ??= run().finally(() => {
        underWay = undefined;
      });
      await underWay;
    },
  };
}
