/**
 * Follows the holds of one GPU through a block without reading stored evidence: if the block is later than all before
 * it, complete, and without a pause, the holders that each series named last decide what it takes up and drops.
 */
import {
  constantEvidence,
  type Evidence,
  holdersOn,
  sameSet,
  type Track,
  trackOf,
} from "../../../schema/batch/evidence.ts";
import { TrackFinder } from "../../../schema/batch/track-finder.ts";
import { type Holder, type HolderSet, NOBODY, sameHolder } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { HoldRecord } from "./derive.ts";
import { type BlockEvidence, isComplete, openHoldKey } from "./recent.ts";
import { partsOfList } from "./series-parts.ts";
import { SHORTEST_SILENCE_MS } from "./silence.ts";

/** The holders that each series of a list named with its last reading. */
interface Last {
  readonly sets: readonly HolderSet[];
  to: number;
}

/** How many lists of series to know per GPU. */
const MAX_LISTS = 4;

function lastSetsOf({ series, evidence }: BlockEvidence): readonly HolderSet[] {
  if (evidence === null) return series.map(() => NOBODY);
  const { tracks, ofColumn } = evidence;
  const ofTrack = tracks.map((track) => holdersOn(evidence, track, Number.POSITIVE_INFINITY));
  return series.map((_, column) => ofTrack[ofColumn?.[column] ?? 0] as HolderSet);
}

/** Returns the evidence that a block has if its series name throughout what they name last in this one. */
export function lastEvidence({ evidence, series, isFull }: BlockEvidence): Evidence | null {
  if (evidence === null || !isFull || evidence.tracks.every(({ length }) => length === 1)) return evidence;
  // Mostly, one track: every series names a new holder from the same time on.
  if (evidence.ofColumn === null)
    return constantEvidence(evidence.sets[(evidence.tracks[0]?.at(-1)?.set ?? 0) - 1] ?? NOBODY);
  const numbers = series.map((_, column) => trackOf(evidence, column).at(-1)?.set ?? 0);
  return new TrackFinder([NOBODY, ...evidence.sets]).find(Int32Array.from(numbers), 1, series.length, () => true);
}

const isIn = (set: HolderSet, holder: Holder): boolean => set.some((one) => sameHolder(one, holder));

/** Series of one instance that named the same holders before the block, and name the same in it. */
interface Group {
  readonly instance: string | null;
  readonly track: number;
  set: HolderSet;
}

function groupsOf({ series, evidence }: BlockEvidence, before: readonly HolderSet[] | undefined): readonly Group[] {
  const groups: Group[] = [];
  for (const [column, instance] of partsOfList(series).instances.entries()) {
    const track = evidence?.ofColumn?.[column] ?? 0;
    const set = before?.[column] ?? NOBODY;
    const isKnown = groups.some(
      (one) => one.instance === instance && one.track === track && (one.set === set || sameSet(one.set, set)),
    );
    if (!isKnown) groups.push({ instance, track, set });
  }
  return groups;
}

export class LastNamed {
  readonly #lists = new Map<readonly Series[], Last>();
  /** Blocks up to this time say only in part what their series named, because others have readings of them, too. */
  #partialUntil = Number.NEGATIVE_INFINITY;

  /** Records what a complete block, later than all before it, named last. Lists of series are one object if equal. */
  learn(block: BlockEvidence): void {
    const names = new Set(block.series);
    for (const [list, { to }] of this.#lists) {
      if (list !== block.series && !list.some((name) => names.has(name))) continue;
      this.#lists.delete(list);
      if (to >= block.to) this.#partialUntil = to;
    }
    if (!isComplete(block) || block.marks > 0) this.#partialUntil = Math.max(this.#partialUntil, block.to);
    if (block.to <= this.#partialUntil) return;
    if (this.#lists.size === MAX_LISTS) this.#lists.delete(this.#lists.keys().next().value as readonly Series[]);
    this.#lists.set(block.series, { sets: lastSetsOf(block), to: block.to });
  }

  /** Records that the series have named the same until this time. */
  extend({ series, to }: BlockEvidence): void {
    const last = this.#lists.get(series);
    if (last !== undefined) last.to = to;
  }

  forget(): void {
    this.#lists.clear();
  }

  /**
   * Returns the holds that begin, last longer or end with a block that is later than all before it; null if stored
   * evidence must be read.
   * @param open holds that have not ended, by `openHoldKey`
   * @param hasHolds whether the GPU has ever had a hold
   * @param timesOf returns the times of the block
   */
  follow(
    block: BlockEvidence,
    { open, hasHolds }: { readonly open: ReadonlyMap<string, HoldRecord>; readonly hasHolds: boolean },
    timesOf: () => Float64Array,
  ): HoldRecord[] | null {
    const { series, evidence, from, longestGapMs, isFull, marks } = block;
    if (!isComplete(block) || marks > 0) return null;
    if (longestGapMs >= SHORTEST_SILENCE_MS || partsOfList(series).hasReplicas) return null;
    const last = this.#lists.get(series);
    if (hasHolds && (last === undefined || from - last.to >= SHORTEST_SILENCE_MS)) return null;
    const groups = groupsOf(block, hasHolds ? last?.sets : undefined);
    // Which series names its holders first decides, and a series may have no reading at the first time.
    if (!isFull && groups.length > 1) return null;
    const run = new Run(open, groups);
    const ticks = new Set(evidence === null ? [0] : evidence.tracks.flatMap((track) => track.map(({ tick }) => tick)));
    const at = ticks.size > 1 ? timesOf() : undefined;
    for (const tick of [...ticks].sort((a, b) => a - b)) {
      if (tick > 0) run.nameUntil(at?.[tick - 1] as number);
      const setOf = (track: number) =>
        evidence === null ? NOBODY : holdersOn(evidence, evidence.tracks[track] as Track, tick);
      if (!run.change(setOf, at?.[tick] ?? from)) return null;
    }
    run.nameUntil(block.to);
    return run.changed();
  }
}

/** The holds while a block is followed. */
class Run {
  readonly #open: Map<string, HoldRecord>;
  readonly #groups: readonly Group[];
  readonly #changed = new Map<string, HoldRecord>();

  constructor(open: ReadonlyMap<string, HoldRecord>, groups: readonly Group[]) {
    this.#open = new Map(open);
    this.#groups = groups;
  }

  /** Extends the holds that the series name. */
  nameUntil(to: number): void {
    for (const { instance, set } of this.#groups) {
      for (const holder of set) {
        const hold = this.#open.get(openHoldKey(instance, holder));
        if (hold !== undefined && hold.to < to) this.#put({ ...hold, to, usualMs: -1 });
      }
    }
  }

  /**
   * Drops and takes up. Returns false if stored evidence must be read to see whether an open hold ended by silence.
   * @param setOf returns what a track names from the time on
   */
  change(setOf: (track: number) => HolderSet, time: number): boolean {
    const taken = new Map<string, HoldRecord>();
    for (const group of this.#groups) {
      const { instance, set: old } = group;
      const set = setOf(group.track);
      group.set = set;
      if (set === old) continue;
      for (const holder of old) if (!isIn(set, holder)) this.#end(openHoldKey(instance, holder), time);
      for (const holder of set) {
        if (isIn(old, holder)) continue;
        taken.set(openHoldKey(instance, holder), { instance, holder, from: time, to: time, ended: null, usualMs: -1 });
      }
    }
    for (const [key, hold] of taken) {
      const known = this.#open.get(key);
      if (known === undefined) this.#put(hold);
      else if (time - known.to >= SHORTEST_SILENCE_MS) return false;
    }
    return true;
  }

  #put(hold: HoldRecord): void {
    const key = openHoldKey(hold.instance, hold.holder);
    this.#open.set(key, hold);
    this.#changed.set(`${key} ${hold.from}`, hold);
  }

  #end(key: string, time: number): void {
    const hold = this.#open.get(key);
    if (hold === undefined) return;
    this.#open.delete(key);
    this.#changed.set(`${key} ${hold.from}`, { ...hold, ended: time, usualMs: 0 });
  }

  changed(): HoldRecord[] {
    return [...this.#changed.values()];
  }
}
