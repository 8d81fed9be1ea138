/**
 * Keeps the table of holds in step with the stored evidence. Call all functions inside `database.write`.
 * - A block that says what the blocks before it said extends the open holds, which changes no row (see ends.ts).
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
import { derive } from "../holds/derive.ts";
import { LastNamed, lastEvidence } from "../holds/follow.ts";
import { type BlockEvidence as RecentBlock, RecentEvidence } from "../holds/recent.ts";
import { SHORTEST_SILENCE_MS } from "../holds/silence.ts";
import { deriveFrom } from "../holds/window.ts";
import type { Buckets, GpuKey } from "./buckets.ts";
import type { EarlierAttributions } from "./earlier-attributions.ts";
import type { HeldGpu, HoldMemory } from "./hold-memory.ts";
import type { HoldTable } from "./holds.ts";
import { bucketsToDerive } from "./lookback.ts";
import { OpenHolds } from "./open-holds.ts";
import type { StaleGpus } from "./stale-gpus.ts";

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
  /**
   * Writes the holds that have changed, after the time of the GPU's newest reading has been written.
   * @param newest that time
   */
  write(gpu: HeldGpu, newest: number | undefined): void;
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

  /**
   * Derives the holds again after a change of the evidence at or after `changedAt`. Returns whether the holds can go on
   * without reading stored evidence again.
   */
  const deriveAgain = (gpu: HeldGpu, changedAt: number, present: number): boolean => {
    const series = recentSeriesOf(gpu, changedAt);
    const chosen = bucketsToDerive(buckets, gpu, { changedAt, until: present, series });
    const evidence = evidenceOf(chosen, present, earlier.of(gpu));
    const from = Math.max(deriveFrom(evidence, changedAt), Math.min(stale.expiredBefore(), changedAt));
    const known = holds.reachingInto(gpu, from);
    const { records, unsettledFrom } = derive(evidence, { from, holds: known.filter((hold) => hold.from < from) });
    holds.replace(gpu, known, records);
    gpu.holds.open = new OpenHolds(holds.notEnded(gpu.id));
    gpu.holds.hasHolds ||= records.length > 0;
    return unsettledFrom === Number.POSITIVE_INFINITY;
  };

  const remember = (
    { holds: { recent, named } }: HeldGpu,
    blocks: readonly RecentBlock[],
    isSettled: boolean,
  ): void => {
    recent.learn(
      blocks.map((block) => ({ ...block, evidence: lastEvidence(block) })),
      isSettled,
    );
    if (isSettled) for (const block of blocks) named.learn(block);
    else named.forget();
  };

  const forget = ({ holds: { recent, named } }: HeldGpu): void => {
    recent.forget();
    named.forget();
  };

  /** Takes in a block if no stored evidence is needed for it. */
  const advance = (
    gpu: HeldGpu,
    { recent, last, stored }: { recent: RecentBlock; last: number; stored: StoredBlock },
  ): boolean => {
    const { holds: memory } = gpu;
    const keys = memory.recent.extend(recent);
    if (keys !== null) {
      for (const key of keys) memory.open.extend(key, recent.to);
      memory.named.extend(recent);
      return true;
    }
    if (recent.from <= last) return false;
    const followed = memory.named.follow(recent, { open: memory.open.records, hasHolds: memory.hasHolds }, () =>
      timesOfColumns(stored.block.packed),
    );
    if (followed === null) return false;
    for (const hold of followed) memory.open.put(hold);
    memory.hasHolds ||= followed.length > 0;
    remember(gpu, [recent], true);
    return true;
  };

  const mark = (gpu: HeldGpu, from: number): void => {
    const { holds: memory } = gpu;
    forget(gpu);
    if (memory.staleFrom !== null && memory.staleFrom <= from) return;
    memory.staleFrom = from;
    stale.mark(gpu.id, from);
  };

  return {
    memoryOf: (gpu) => {
      const { staleFrom, hasHolds } = stale.of(gpu);
      return {
        recent: new RecentEvidence(),
        named: new LastNamed(),
        open: new OpenHolds(holds.notEnded(gpu)),
        hasHolds,
        staleFrom,
      };
    },
    newMemory: () => ({
      recent: new RecentEvidence(),
      named: new LastNamed(),
      open: new OpenHolds(),
      hasHolds: false,
      staleFrom: null,
    }),
    mark,
    learn(gpu, blocks, newest, present) {
      const { holds: memory } = gpu;
      if (!memory.hasHolds && blocks.every(({ evidence }) => evidence === null) && memory.staleFrom === null) return;
      const inOrder = blocks.length === 1 ? blocks : blocks.toSorted((a, b) => a.block.from - b.block.from);
      let changedAt = Number.POSITIVE_INFINITY;
      let last = newest;
      const toLearn: RecentBlock[] = [];
      for (const stored of inOrder) {
        // What is later than the present counts when its time comes.
        if (stored.block.from > present) continue;
        if (memory.staleFrom !== null || stored.block.to > present) {
          return mark(gpu, Math.min(changedAt, stored.block.from));
        }
        const recent = recentBlockOf(stored);
        if (changedAt < Number.POSITIVE_INFINITY || !advance(gpu, { recent, last, stored })) {
          changedAt = Math.min(changedAt, recent.from);
          toLearn.push(recent);
        }
        last = Math.max(last, recent.to);
      }
      if (changedAt <= newest) return mark(gpu, changedAt);
      if (changedAt === Number.POSITIVE_INFINITY) return;
      memory.open.write(gpu, holds, newest);
      remember(gpu, toLearn, deriveAgain(gpu, changedAt, present));
    },
    write: (gpu, newest) => gpu.holds.open.write(gpu, holds, newest),
    checkSilence(gpu, newest, present) {
      if (gpu.holds.staleFrom !== null) return;
      for (const { to, usualMs } of gpu.holds.open.records.values()) {
        if (usualMs >= 0 || newest - to < SHORTEST_SILENCE_MS) continue;
        if (!deriveAgain(gpu, newest + 1, present)) forget(gpu);
        return;
      }
    },
    settle(gpu, present) {
      const { staleFrom } = gpu.holds;
      if (staleFrom === null) return;
      deriveAgain(gpu, staleFrom, present);
      gpu.holds.staleFrom = null;
      forget(gpu);
      stale.mark(gpu.id, null);
    },
  };
}
