/**
 * What saves teach of GPUs: gathered from all that are under way, written once for all of them. A save waits for what
 * is urgent; times that go on are written when things are quiet, or half a minute later.
 */
import type { Block } from "../../../../schema/batch/batch.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Clock } from "../../../platform/process/clock.ts";
import type { Logger } from "../../../platform/process/logger.ts";
import type { Arrivals } from "../../arrivals.ts";
import type { SeriesList } from "../readings/series-lists.ts";
import { type Told, toldByDay } from "./attribution-days.ts";
import type { AttributionLedger } from "./attribution-ledger.ts";
import type { InventoryLedger } from "./gpu-ledger.ts";

/** Without a save for so long, nothing is left to wait for. */
const QUIET_MS = 1000;
const WAIT_MAX_MS = 30_000;

export interface Learner extends AsyncDisposable {
  /** Resolves when all that must not be lost is durable. @throws AppError `unavailable`: it is tried again later */
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
    // Both are tried: what one cannot write must not hold the other back.
    const outcomes = await Promise.allSettled([attributions.write(options), inventory.write(options)]);
    const failed = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed !== undefined) throw failed.reason;
  };

  /** One write at a time. */
  const enqueue = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
  /** Who comes while another writes shares the next write. */
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
      await writeAll().catch((error: unknown) => log.warn("inventory not written", { error }));
    }
  };

  return {
    async learn(arrivals, stored) {
      lastSave = clock.now();
      const told = new Map<GpuUuid, Told[]>();
      for (const { batch, sighting, fresh } of arrivals.all()) {
        inventory.sighted(sighting);
        const { uuid } = sighting.facts;
        let ofGpu = told.get(uuid);
        if (ofGpu === undefined) {
          ofGpu = [];
          told.set(uuid, ofGpu);
        }
        ofGpu.push(...toldByDay(batch, sighting, !fresh));
      }
      for (const { block, list } of stored) inventory.stored(block.gpu, list, block.from);
      for (const [gpu, ofGpu] of told) {
        ofGpu.sort((a, b) => a.from - b.from);
        for (const one of ofGpu) attributions.told(gpu, one);
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
