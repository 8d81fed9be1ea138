/**
 * Takes over what version 1 wrote: attributions become holds, and GPUs get a stay. Processes of version 1 may go on
 * writing and reading beside this one: nothing of theirs is deleted, and what they write is taken over once a minute.
 */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Clock } from "../../../platform/process/clock.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, reading, writing } from "../connection/link.ts";
import type { Collections, GpuDocument } from "../documents.ts";
import { holdsOfDays, newestRevisions, takenOver } from "./earlier-attributions.ts";
import { PULSE_MS } from "./pulses.ts";
import type { Stays } from "./stays.ts";
import type { Turns } from "./turns.ts";

/** Number of documents of version 1 that are looked for at once. */
const CHUNK = 200;

export interface EarlierStoreParts {
  readonly turns: Turns;
  readonly stays: Stays;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface EarlierStore {
  /** Takes over everything that is there, at most once a minute. After an interruption, the next call goes on. */
  takeOver(): Promise<void>;
}

export function createEarlierStore(
  link: Link,
  { attributions, gpus, holds }: Pick<Collections, "attributions" | "gpus" | "holds">,
  { turns, stays, clock, log }: EarlierStoreParts,
): EarlierStore {
  const { call } = link;

  const takeAttributions = async (gpu: GpuUuid): Promise<void> => {
    const revisions = await call((signal) => attributions.find({ gpu }, reading(signal)).toArray());
    const stored = await call((signal) => holds.find({ gpu }, reading(signal)).toArray());
    const { added, changed } = takenOver(gpu, holdsOfDays(newestRevisions(revisions)), stored);
    await turns.begin([gpu]);
    await call(async (signal) => {
      if (added.length > 0) await insertNew(link, holds, added, signal);
      for (const { _id, to, ended } of changed) {
        await holds.updateOne({ _id, ended: null }, { $set: { to, ended } }, writing(signal));
      }
      // Exactly those that were read: a process of version 1 may have written another revision since.
      const ids = revisions.filter(({ taken }) => taken === undefined).map(({ _id }) => _id);
      await attributions.updateMany({ _id: { $in: ids } }, { $set: { taken: true } }, writing(signal));
    });
  };

  const takeGpu = async ({ _id: gpu, seen, firstSeen }: GpuDocument): Promise<void> => {
    const first = await stays.firstOf(gpu);
    const { host, index, lastSeen } = seen;
    const to = Math.min(lastSeen.getTime(), (first?.from ?? Number.POSITIVE_INFINITY) - 1);
    const from = firstSeen.getTime();
    await turns.begin([gpu]);
    if (host !== "" && from <= to) await stays.add(gpu, [{ host, index, from, to }]);
    await call((signal) => gpus.updateOne({ _id: gpu }, { $set: { instances: {} } }, writing(signal)));
  };

  const takeAll = async (): Promise<number> => {
    let taken = 0;
    for (;;) {
      const days = await call((signal) =>
        attributions.find({ taken: { $exists: false } }, { ...reading(signal), limit: CHUNK }).toArray(),
      );
      const found = await call((signal) =>
        gpus.find({ instances: { $exists: false } }, { ...reading(signal), limit: CHUNK }).toArray(),
      );
      if (days.length + found.length === 0) return taken;
      for (const gpu of new Set(days.map((day) => day.gpu))) await takeAttributions(gpu);
      for (const document of found) await takeGpu(document);
      taken += days.length + found.length;
    }
  };

  let last = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    const taken = await takeAll();
    last = clock.now();
    if (taken > 0) log.info("documents of version 1 taken over", { documents: taken });
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
