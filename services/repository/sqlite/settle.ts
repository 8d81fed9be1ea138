/** Brings inventory and holds up to date before they are read, slice by slice, and yields to other work in between. */
import { setImmediate } from "node:timers/promises";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { lastPresentTime } from "../../../schema/model/present.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Database } from "./database.ts";
import type { KnownGpu } from "./known-gpus.ts";
import type { Tables } from "./tables.ts";

/** Number of GPUs whose holds are derived in one transaction. */
const SLICE = 16;

/**
 * Learns sightings whose time has come, and derives the holds of marked GPUs.
 * - `gpus`: only these GPUs; default: all
 */
export type Settle = (options?: {
  readonly gpus?: readonly GpuUuid[];
  readonly signal?: AbortSignal | undefined;
}) => Promise<void>;

export function createSettle(
  { database, ahead, stale, known, learner, keeper, forget }: Tables & { readonly database: Database },
  clock: Clock,
): Settle {
  /** Returns whether more may be due. */
  const learnDue = (present: number): boolean => {
    known.refresh();
    const due = ahead.takeDue(present);
    for (const sighting of due) {
      const gpu = known.find(sighting.facts.uuid) as KnownGpu;
      learner.learn(gpu, [{ sighting, fresh: true, times: () => undefined }], present);
      keeper.write(gpu, gpu.gpu?.lastSeen);
      keeper.mark(gpu, sighting.from);
    }
    return due.length > 0;
  };
  const deriveHolds = (uuids: readonly GpuUuid[], present: number): void => {
    known.refresh();
    for (const uuid of uuids) keeper.settle(known.find(uuid) as KnownGpu, present);
  };

  return async ({ gpus, signal } = {}) => {
    const present = lastPresentTime(clock.now());
    const options = { signal, undo: forget };
    const isDue = await database.read(() => ahead.anyDue(present), { signal });
    while (isDue && (await database.write(() => learnDue(present), options))) await setImmediate();
    const marked = await database.read(() => stale.list(gpus), { signal });
    for (let start = 0; start < marked.length; start += SLICE) {
      await database.write(() => deriveHolds(marked.slice(start, start + SLICE), present), options);
      await setImmediate();
    }
  };
}
