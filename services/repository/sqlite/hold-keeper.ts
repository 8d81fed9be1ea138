/**
 * Keeps the table of holds in step with the stored evidence. Call all functions inside `database.write`.
 * - A block that says what the blocks before it said extends the open holds: one update per hold and save.
 * - Any other block that is newer than all before it: the GPU's holds are derived again, from the readings shortly
 *   before it.
 * - A block that is older: the GPU is marked (`gpus.stale_from`), and its holds are derived again before they are read.
 *   Files that are written metric by metric would otherwise have the same hours derived again for each metric.
 */
import type { Block } from "../../../schema/batch/batch.ts";
import { shapeOfColumns, timesOfColumns } from "../../../schema/batch/columns.ts";
import type { Evidence } from "../../../schema/batch/evidence.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { evidenceOf } from "../holds/bucket-evidence.ts";
import { deriveHolds, type HoldRecord } from "../holds/derive.ts";
import { type BlockEvidence as RecentBlock, RecentEvidence } from "../holds/recent.ts";
import { SHORTEST_SILENCE_MS } from "../holds/silence.ts";
import { deriveFrom } from "../holds/window.ts";
import type { Buckets, GpuKey } from "./buckets.ts";
import type { EarlierAttributions } from "./earlier-attributions.ts";
import type { HoldTable } from "./holds.ts";
import { bucketsToDerive } from "./lookback.ts";
import type { StaleGpus } from "./stale-gpus.ts";

/** What is remembered of the holds of a GPU. */
export interface HoldMemory {
  readonly recent: RecentEvidence;
  /** Holds that have not ended, by `openHoldKey`. */
  open: Map<string, HoldRecord>;
  /** Whether the GPU has ever had a hold. Without one, readings that name no holder cannot change anything. */
  hasHolds: boolean;
  /** `gpus.stale_from` */
  staleFrom: number | null;
}

export interface HeldGpu extends GpuKey {
  readonly holds: HoldMemory;
}

/** A block that this save has stored. */
export interface StoredBlock {
  readonly block: Block;
  readonly series: readonly Series[];
  readonly evidence: Evidence | null;
}

export interface HoldKeeper {
  /** Reads what is stored of a GPU's holds. */
  memoryOf(gpu: number): HoldMemory;
  /** Returns the memory of a GPU that has just been added. */
  newMemory(): HoldMemory;
  /**
   * Takes in the blocks of one GPU that a save has stored.
   * @param newest time of the GPU's newest reading before them
   * @param present last time that counts as now
   */
  learn(gpu: HeldGpu, blocks: readonly StoredBlock[], newest: number, present: number): void;
  /** Derives the holds of a GPU again if it has been silent for longer than is known to be usual. */
  checkSilence(gpu: HeldGpu, newest: number, present: number): void;
  /** Marks a GPU: its holds from this time on do not follow from the stored readings yet. */
  mark(gpu: HeldGpu, from: number): void;
  /** Derives the holds of a marked GPU. */
  settle(gpu: HeldGpu, present: number): void;
}

function recentBlockOf({ block, series, evidence }: StoredBlock): RecentBlock {
  const { from, to, readings, marks, packed } = block;
  const { times, columns } = shapeOfColumns(packed);
  let longestGapMs = to - from;
  if (longestGapMs >= SHORTEST_SILENCE_MS) {
    const at = timesOfColumns(packed);
    longestGapMs = 0;
    for (let tick = 1; tick < at.length; tick++) {
      longestGapMs = Math.max(longestGapMs, (at[tick] as number) - (at[tick - 1] as number));
    }
  }
  return { series, evidence, from, to, longestGapMs, isFull: readings === times * columns, marks };
}

export function createHoldKeeper(parts: {
  readonly buckets: Buckets;
  readonly holds: HoldTable;
  readonly stale: StaleGpus;
  readonly earlier: EarlierAttributions;
  /** Returns the series that the GPU has had from a day before this time on. */
  readonly recentSeriesOf: (gpu: GpuKey, time: number) => readonly Series[];
}): HoldKeeper {
  const { buckets, holds, stale, earlier, recentSeriesOf } = parts;

  /** Derives the holds again after a change of the evidence at or after `changedAt`. */
  const derive = (gpu: HeldGpu, changedAt: number, present: number): void => {
    const series = recentSeriesOf(gpu, changedAt);
    const chosen = bucketsToDerive(buckets, gpu, { changedAt, until: present, series });
    const evidence = evidenceOf(chosen, present, earlier.of(gpu));
    const from = Math.max(deriveFrom(evidence, changedAt), Math.min(stale.expiredBefore(), changedAt));
    const known = holds.reachingInto(gpu, from);
    const records = deriveHolds(evidence, { from, holds: known.filter((hold) => hold.from < from) });
    holds.replace(gpu, known, records);
    gpu.holds.open = holds.notEnded(gpu.id);
    gpu.holds.hasHolds ||= records.length > 0;
  };

  const mark = (gpu: HeldGpu, from: number): void => {
    const { holds: memory } = gpu;
    memory.recent.forget();
    if (memory.staleFrom !== null && memory.staleFrom <= from) return;
    memory.staleFrom = from;
    stale.mark(gpu.id, from);
  };

  return {
    memoryOf: (gpu) => {
      const { staleFrom, hasHolds } = stale.of(gpu);
      return { recent: new RecentEvidence(), open: holds.notEnded(gpu), hasHolds, staleFrom };
    },
    newMemory: () => ({ recent: new RecentEvidence(), open: new Map(), hasHolds: false, staleFrom: null }),
    mark,
    learn(gpu, blocks, newest, present) {
      const { holds: memory } = gpu;
      if (!memory.hasHolds && blocks.every(({ evidence }) => evidence === null) && memory.staleFrom === null) return;
      const inOrder = blocks.length === 1 ? blocks : blocks.toSorted((a, b) => a.block.from - b.block.from);
      let changedAt = Number.POSITIVE_INFINITY;
      let hasLate = false;
      const recentBlocks: RecentBlock[] = [];
      const extended = new Map<string, number>();
      for (const stored of inOrder) {
        // What is later than the present counts when its time comes.
        if (stored.block.from > present) continue;
        if (memory.staleFrom !== null || stored.block.to > present) {
          hasLate ||= stored.block.to > present;
          changedAt = Math.min(changedAt, stored.block.from);
          continue;
        }
        const recent = recentBlockOf(stored);
        recentBlocks.push(recent);
        const keys = memory.recent.extend(recent);
        if (keys === null) changedAt = Math.min(changedAt, recent.from);
        else for (const key of keys) extended.set(key, Math.max(extended.get(key) ?? recent.to, recent.to));
      }
      if (memory.staleFrom !== null || changedAt <= newest || hasLate) return mark(gpu, changedAt);
      if (changedAt < Number.POSITIVE_INFINITY) {
        derive(gpu, changedAt, present);
        memory.recent.learn(recentBlocks);
        return;
      }
      for (const [key, to] of extended) {
        const hold = memory.open.get(key);
        if (hold === undefined || hold.to >= to) continue;
        const longer = { ...hold, to, usualMs: -1 };
        holds.extend(gpu, longer);
        memory.open.set(key, longer);
      }
    },
    checkSilence(gpu, newest, present) {
      if (gpu.holds.staleFrom !== null) return;
      for (const { to, usualMs } of gpu.holds.open.values()) {
        if (usualMs >= 0 || newest - to < SHORTEST_SILENCE_MS) continue;
        return derive(gpu, newest + 1, present);
      }
    },
    settle(gpu, present) {
      const { staleFrom } = gpu.holds;
      if (staleFrom === null) return;
      derive(gpu, staleFrom, present);
      gpu.holds.staleFrom = null;
      gpu.holds.recent.forget();
      stale.mark(gpu.id, null);
    },
  };
}
