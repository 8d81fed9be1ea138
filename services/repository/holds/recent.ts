/**
 * Recognizes blocks that only extend the open holds of a GPU, which is nearly every block: the same series name the
 * same holders as in the block before, without a pause. Everything else is derived again from stored evidence.
 */
import type { Evidence } from "../../../schema/batch/evidence.ts";
import { evidenceText, trackOf } from "../../../schema/batch/evidence.ts";
import { type Holder, holderKey } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { seriesParts } from "./series-parts.ts";
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
  /** Joined, because equal lists need not be one object. */
  readonly list: string;
  readonly evidence: string;
  /** Keys of the holds that equal blocks extend; null: equal blocks may do more than that. */
  readonly extended: readonly string[] | null;
  to: number;
}

/** How many lists of series to know per GPU: batches may report its metrics in several parts. */
const MAX_ENTRIES = 4;

const isConstant = ({ tracks }: Evidence): boolean => tracks.every(({ length }) => length === 1);

/** What the newest blocks of one GPU named. A GPU takes a few hundred bytes. */
export class RecentEvidence {
  #entries: Entry[] = [];
  /** Blocks up to this time may say only in part what their series named: others, now forgotten, had readings, too. */
  #partialUntil = Number.NEGATIVE_INFINITY;

  /**
   * Returns the keys of the holds that the block extends to its last time, and remembers it. Returns null if the block
   * may do more than that: nothing is remembered then.
   */
  extend(block: BlockEvidence): readonly string[] | null {
    const { evidence, from, to, longestGapMs, isFull, marks } = block;
    if (marks > 0 || longestGapMs >= SHORTEST_SILENCE_MS) return null;
    if (evidence !== null && !(isFull && isConstant(evidence))) return null;
    const text = evidence === null ? "" : evidenceText(evidence);
    const entry = this.#entries.find((one) => one.evidence === text && sameList(one, block.series));
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

  #learnBlock({ series, evidence, to, isFull, marks }: BlockEvidence, isSettled: boolean): void {
    // By merged names: what one replica names means little without the others.
    const merged = new Set(series.map((name) => seriesParts(name).merged));
    const kept = this.#entries.filter((entry) => entry.merged.isDisjointFrom(merged));
    const replaced = this.#entries.filter((entry) => !kept.includes(entry));
    const isAlone = to > this.#partialUntil && replaced.every((entry) => entry.to < to);
    const isPlain = marks === 0 && (evidence === null || (isFull && isConstant(evidence)));
    const entry = {
      series,
      merged: isAlone ? merged : replaced.reduce((all, one) => all.union(one.merged), merged),
      list: series.join("\n"),
      evidence: evidence === null ? "" : evidenceText(evidence),
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

const sameList = (entry: Entry, series: readonly Series[]): boolean =>
  entry.series === series || (entry.series.length === series.length && entry.list === series.join("\n"));

function extendedBy(series: readonly Series[], evidence: Evidence | null): readonly string[] {
  if (evidence === null) return [];
  const keys = new Set<string>();
  for (const [column, name] of series.entries()) {
    const set = trackOf(evidence, column)[0]?.set ?? 0;
    const { instance } = seriesParts(name);
    for (const holder of evidence.sets[set - 1] ?? []) keys.add(openHoldKey(instance, holder));
  }
  return [...keys];
}
