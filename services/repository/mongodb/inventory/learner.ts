/**
 * Writes inventory and attribution for all saves of this process together. A save waits until urgent changes are
 * written; other changes are written after a second without saves, or at the latest after half a minute.
 */
import type { Block } from "../../../../schema/batch/batch.ts";
import { isAppError } from "../../../../schema/model/errors.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Clock } from "../../../platform/process/clock.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import type { Arrivals } from "../../arrivals.ts";
import type { SeriesList } from "../readings/series-lists.ts";
import { byDay, type DaySighting } from "./attribution-days.ts";
import type { AttributionLedger } from "./attribution-ledger.ts";
import type { InventoryLedger } from "./gpu-ledger.ts";

/** Time without a save after which everything pending is written. */
const QUIET_MS = 1000;
/** How long further saves can delay that write. */
const WAIT_MAX_MS = 30_000;

export interface Learner extends AsyncDisposable {
  /**
   * Resolves when urgent changes are durable.
   * @throws AppError `unavailable`; the changes stay pending and are written later
   */
  learn(arrivals: Arrivals, stored: readonly StoredBlock[]): Promise<void>;
}

export interface StoredBlock {
  readonly block: Block;
  readonly list: SeriesList;
}

export interface LearnerParts {
  readonly inventory: InventoryLedger;
  readonly attributions: AttributionLedger;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createLearner({ inventory, attributions, clock, log }: LearnerParts): Learner {
  const closing = new AbortController();
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let lastSave = 0;
  let waiting: Promise<void> | undefined;

  const write = async (options: { all: boolean }): Promise<void> => {
    // Both writes run to their end, so that a failure of one does not hold up the other.
    const outcomes = await Promise.allSettled([attributions.write(options), inventory.write(options)]);
    const failed = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed !== undefined) throw failed.reason;
  };

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
      return write({ all: false });
    });
    return next;
  };
  const writeAll = (): Promise<void> => enqueue(() => write({ all: true }));
  const isBehind = () => inventory.isBehind || attributions.isBehind;

  const writeWhenQuiet = async (): Promise<void> => {
    let waitedMs = 0;
    while (isBehind()) {
      await clock.sleep(QUIET_MS, { signal: closing.signal });
      if (closing.signal.aborted) return;
      waitedMs += QUIET_MS;
      if (clock.now() - lastSave < QUIET_MS && waitedMs < WAIT_MAX_MS) continue;
      waitedMs = 0;
      await writeAll().catch((error: unknown) => {
        // The next round retries; the connection logs an outage.
        if (!isAppError(error, "unavailable")) log.error("inventory not written", { error });
      });
    }
  };

  return {
    async learn(arrivals, stored) {
      lastSave = clock.now();
      const sightings = new Map<GpuUuid, DaySighting[]>();
      for (const { batch, sighting, fresh } of arrivals.all()) {
        inventory.addSighting(sighting);
        const { uuid } = sighting.facts;
        let ofGpu = sightings.get(uuid);
        if (ofGpu === undefined) {
          ofGpu = [];
          sightings.set(uuid, ofGpu);
        }
        ofGpu.push(...byDay(batch, sighting, !fresh));
      }
      for (const { block, list } of stored) inventory.addBucket(block.gpu, list, block.from);
      for (const [gpu, ofGpu] of sightings) {
        ofGpu.sort((a, b) => a.from - b.from);
        for (const sighting of ofGpu) attributions.add(gpu, sighting);
      }
      if (inventory.hasUrgent || attributions.hasUrgent) await writeUrgent();
      if (!isBehind() || waiting !== undefined) return;
      waiting = writeWhenQuiet().finally(() => {
        waiting = undefined;
      });
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await waiting;
      if (isBehind()) await writeAll().catch((error: unknown) => log.warn("inventory not written", { error }));
    },
  };
}
