/**
 * Recognizes blocks that only extend the open holds of a GPU, which is nearly every block: the same series name the
 * same holders as in the block before, without a pause. Everything else is derived again from stored evidence.
 */
import { type Evidence, sameEvidence } from "../../../schema/batch/evidence.ts";
import { type Holder, holderKey } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { partsOfList } from "./series-parts.ts";
import { SHORTEST_SILENCE_MS } from "./silence.ts";

/** A block of one GPU, as far as its holds are concerned. */
export interface BlockEvidence {
  readonly series: readonly Series[];
  readonly evidence: Evidence | null;
  /** First and last time, ms. */
  readonly from: number;
  readonly to: number;
  /** The longest distance between two neighbouring times; 0 for one time. */
  readonly longestGapMs: number;
  /** True if each series has a reading at each time. */
  readonly isFull: boolean;
  readonly marks: number;
}

/** Names a hold of a GPU that has not ended. */
export const openHoldKey = (instance: string | null, holder: Holder): string =>
  `${instance ?? ""} ${holderKey(holder)}`;

interface Entry {
  readonly series: readonly Series[];
  /** Names without `vgpu`. */
  readonly merged: ReadonlySet<string>;
  readonly evidence: Evidence | null;
  /** Keys of the holds that equal blocks extend; null: equal blocks may do more than that. */
  readonly extended: readonly string[] | null;
  to: number;
}

/** How many lists of series to know per GPU: batches may report its metrics in several parts. */
const MAX_ENTRIES = 4;

const isConstant = ({ tracks }: Evidence): boolean => tracks.every(({ length }) => length === 1);

/** True if all series of the block belong to one instance, without replicas, and always name the same holders. */
function isUniform({ series, evidence }: BlockEvidence): boolean {
  if (evidence !== null && !(evidence.tracks.length === 1 && isConstant(evidence))) return false;
  const { instances, hasReplicas } = partsOfList(series);
  return !hasReplicas && instances.every((instance) => instance === instances[0]);
}

/** True if no series lacks a reading at a time of the block, or it does not matter which one does. */
export const isComplete = (block: BlockEvidence): boolean => block.isFull || isUniform(block);

/** True if a block after the same block only extends holds. */
const isSteady = (block: BlockEvidence): boolean =>
  block.evidence === null || (block.isFull ? isConstant(block.evidence) : isUniform(block));

/** Remembers which holders the newest blocks of one GPU named. A GPU takes a few hundred bytes. */
export class RecentEvidence {
  #entries: Entry[] = [];
  /** Blocks up to this time may say only in part what their series named: others, now forgotten, had readings, too. */
  #partialUntil = Number.NEGATIVE_INFINITY;

  /**
   * Returns the keys of the holds that the block extends to its last time, and remembers it. Returns null if the block
   * may do more than that: nothing is remembered then.
   */
  extend(block: BlockEvidence): readonly string[] | null {
    const { evidence, from, to, longestGapMs, marks } = block;
    if (marks > 0 || longestGapMs >= SHORTEST_SILENCE_MS || !isSteady(block)) return null;
    const entry = this.#entries.find(
      (one) => sameList(one.series, block.series) && sameEvidence(one.evidence, evidence),
    );
    if (entry?.extended == null || from <= entry.to || from - entry.to >= SHORTEST_SILENCE_MS) return null;
    entry.to = to;
    return entry.extended;
  }

  /**
   * Replaces what is known of these blocks' series, after the holds have been derived with them.
   * @param isSettled whether `unsettledFrom` of that derivation is infinity; if not, the next blocks extend nothing
   */
  learn(blocks: readonly BlockEvidence[], isSettled: boolean): void {
    if (!isSettled) this.forget();
    for (const block of blocks.toSorted((a, b) => a.to - b.to)) this.#learnBlock(block, isSettled);
  }

  #learnBlock(block: BlockEvidence, isSettled: boolean): void {
    const { series, evidence, to, marks } = block;
    // By merged names: what one replica names means little without the others.
    const { merged } = partsOfList(series);
    const kept = this.#entries.filter((entry) => entry.merged.isDisjointFrom(merged));
    const replaced = this.#entries.filter((entry) => !kept.includes(entry));
    const isAlone = to > this.#partialUntil && replaced.every((entry) => entry.to < to);
    const isPlain = marks === 0 && isSteady(block);
    const entry = {
      series,
      merged: isAlone ? merged : replaced.reduce<ReadonlySet<string>>((all, one) => all.union(one.merged), merged),
      evidence,
      extended: isSettled && isAlone && isPlain ? extendedBy(series, evidence) : null,
      to,
    };
    const entries = [entry, ...kept];
    this.#entries = entries.slice(0, MAX_ENTRIES);
    for (const dropped of entries.slice(MAX_ENTRIES)) this.#partialUntil = Math.max(this.#partialUntil, dropped.to);
  }

  forget(): void {
    for (const { to } of this.#entries) this.#partialUntil = Math.max(this.#partialUntil, to);
    this.#entries = [];
  }
}

const sameList = (a: readonly Series[], b: readonly Series[]): boolean =>
  a === b || (a.length === b.length && a.every((name, column) => name === b[column]));

function extendedBy(series: readonly Series[], evidence: Evidence | null): readonly string[] {
  if (evidence === null) return [];
  const { sets, tracks, ofColumn } = evidence;
  const { instances } = partsOfList(series);
  const seen = new Map<string | null, number[]>();
  const keys = new Set<string>();
  for (const [column, instance] of instances.entries()) {
    const set = tracks[ofColumn?.[column] ?? 0]?.[0]?.set ?? 0;
    const done = seen.get(instance);
    if (set === 0 || done?.includes(set)) continue;
    if (done === undefined) seen.set(instance, [set]);
    else done.push(set);
    for (const holder of sets[set - 1] ?? []) keys.add(openHoldKey(instance, holder));
  }
  return [...keys];
}
