/**
 * Writes what saves have learned. A save waits until holds, stays and urgent changes of the inventory are written; last
 * times are written once a minute by all saves of this process together.
 */
import type { Block, Sighting } from "../../../../schema/batch/batch.ts";
import { isAppError } from "../../../../schema/model/errors.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Clock } from "../../../platform/process/clock.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import type { GpuArrival, HoldLedger } from "../holds/ledger.ts";
import { PULSE_MS, type Pulses } from "../holds/pulses.ts";
import type { SeriesList } from "../readings/series-lists.ts";
import { SightingsAhead } from "./ahead.ts";
import type { InventoryLedger } from "./gpu-ledger.ts";

/** How often to look whether a write of last times is due. The first one comes this long after the first save. */
const LOOK_MS = 1000;

export interface Learner extends AsyncDisposable {
  /**
   * Resolves when everything but last times is durable.
   * @throws AppError `unavailable`; changes of the inventory stay pending and are written later
   */
  learn(learned: Learned): Promise<void>;
  /** Takes in what was ahead of the clock and is no longer. Call before reads of the inventory. */
  catchUp(): Promise<void>;
}

export interface StoredBlock {
  readonly block: Block;
  readonly list: SeriesList;
}

export interface Learned {
  readonly sightings: Iterable<Sighting>;
  readonly stored: readonly StoredBlock[];
  readonly arrivals: ReadonlyMap<GpuUuid, GpuArrival>;
}

export interface LearnerParts {
  readonly inventory: InventoryLedger;
  readonly holds: HoldLedger;
  readonly pulses: Pulses;
  /** Returns the last time that counts as now. */
  readonly lastPresent: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createLearner({ inventory, holds, pulses, lastPresent, clock, log }: LearnerParts): Learner {
  const closing = new AbortController();
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let lastPulse = Number.NEGATIVE_INFINITY;
  let waiting: Promise<void> | undefined;
  const ahead = new SightingsAhead();

  /** Runs `work` after all writes that were queued earlier, so that one write runs at a time. */
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
  /** Saves that arrive during a write share the next one. */
  const writeUrgent = (): Promise<void> => {
    next ??= enqueue(() => {
      next = undefined;
      return inventory.write({ all: false });
    });
    return next;
  };
  const writeAll = (): Promise<void> =>
    enqueue(async () => {
      // Facts first: they are compared with the last times of all processes.
      await inventory.write({ all: true });
      await pulses.write();
    });
  const note = (sightings: Iterable<Sighting>, blocks: readonly Block[]): void => {
    const last = lastPresent();
    for (const sighting of sightings) {
      const counted = ahead.add(sighting, last, blocks);
      if (counted !== undefined) inventory.addSighting(counted);
    }
  };
  const isBehind = () => inventory.isBehind || pulses.hasGathered;

  const writeWhenDue = async (): Promise<void> => {
    while (isBehind() || !ahead.isEmpty) {
      await clock.sleep(LOOK_MS, { signal: closing.signal });
      if (closing.signal.aborted) return;
      const now = clock.now();
      if (now - lastPulse < PULSE_MS) continue;
      lastPulse = now;
      const work = async () => {
        await catchUp();
        if (isBehind()) await writeAll();
      };
      await work().catch((error: unknown) => {
        // The next round retries; the connection logs an outage.
        if (!isAppError(error, "unavailable")) log.error("inventory not written", { error });
      });
    }
  };

  const catchUpFacts = (): void => {
    for (const sighting of ahead.take(lastPresent())) inventory.addSighting(sighting);
  };
  const catchUp = async (): Promise<void> => {
    catchUpFacts();
    if (inventory.hasUrgent) await writeUrgent();
    await holds.catchUp();
  };

  return {
    catchUp,
    async learn({ sightings, stored, arrivals }) {
      catchUpFacts();
      note(
        sightings,
        stored.map(({ block }) => block),
      );
      for (const { block, list } of stored) inventory.addBucket(block.gpu, list, block.from);
      // Both run to their end, so that a failure of one does not hold up the other.
      const outcomes = await Promise.allSettled([
        holds.learn(arrivals),
        inventory.hasUrgent ? writeUrgent() : Promise.resolve(),
      ]);
      waiting ??= writeWhenDue().finally(() => {
        waiting = undefined;
      });
      const failed = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
      if (failed !== undefined) throw failed.reason;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await waiting;
      if (isBehind()) await writeAll().catch((error: unknown) => log.warn("inventory not written", { error }));
    },
  };
}
