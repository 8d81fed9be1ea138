/**
 * Holder evidence of a block: the holders that the rows of each series named, at each time. Most blocks have one track:
 * every series named the same holders throughout.
 */
import { type HolderSet, holderSetOf, NOBODY, sameHolder } from "../model/holder.ts";

/** From time `tick` of the block to the next run, the series' readings and marks name the holders of set `set`. */
export interface Run {
  readonly tick: number;
  /** Index into the sets, from 1; 0: a row without a holder. */
  readonly set: number;
}

/** Runs in ascending order of ticks; neighbours have different sets. The first run has tick 0. */
export type Track = readonly Run[];

/** Evidence of a block in which at least one row named a holder. Without any, a block's evidence is null. */
export interface Evidence {
  /** Distinct, not empty, in order of first use by the tracks. */
  readonly sets: readonly HolderSet[];
  /** Distinct, in order of first use by the columns. */
  readonly tracks: readonly Track[];
  /** For each column the index of its track; null if all columns have track 0. */
  readonly ofColumn: readonly number[] | null;
}

/** Returns the track of a column. */
export const trackOf = ({ tracks, ofColumn }: Evidence, column: number): Track =>
  tracks[ofColumn?.[column] ?? 0] as Track;

/** Returns the holders that a track names at a tick. */
export const holdersOn = ({ sets }: Evidence, track: Track, tick: number): HolderSet =>
  sets[(track.findLast((run) => run.tick <= tick)?.set ?? 0) - 1] ?? NOBODY;

function sameList<T>(a: readonly T[], b: readonly T[], same: (one: T, other: T) => boolean): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (!same(a[index] as T, b[index] as T)) return false;
  return true;
}

export const sameSet = (a: HolderSet, b: HolderSet): boolean => sameList(a, b, sameHolder);
const sameRun = (a: Run, b: Run): boolean => a.tick === b.tick && a.set === b.set;
const sameTrack = (a: Track, b: Track): boolean => sameList(a, b, sameRun);
const sameNumber = (a: number, b: number): boolean => a === b;

export function sameEvidence(a: Evidence | null, b: Evidence | null): boolean {
  if (a === b || a === null || b === null) return a === b;
  return (
    sameList(a.sets, b.sets, sameSet) &&
    sameList(a.tracks, b.tracks, sameTrack) &&
    (a.ofColumn === b.ofColumn ||
      (a.ofColumn !== null && b.ofColumn !== null && sameList(a.ofColumn, b.ofColumn, sameNumber)))
  );
}

/** All holders that the rows of a block name from time `tick` to the next stretch. */
export interface HeldStretch {
  readonly tick: number;
  readonly holders: HolderSet;
}

/** Blocks share their evidence, so each list is made once. */
const stretches = new WeakMap<Evidence, readonly HeldStretch[]>();

/** Returns which holders the series name together, in ascending order of ticks; the first stretch has tick 0. */
export function heldStretches(evidence: Evidence): readonly HeldStretch[] {
  let found = stretches.get(evidence);
  if (found === undefined) {
    const { sets, tracks } = evidence;
    const ticks = [...new Set(tracks.flatMap((track) => track.map(({ tick }) => tick)))].sort((a, b) => a - b);
    found = ticks.map((tick) => {
      const named = tracks.map((track) => track.findLast((run) => run.tick <= tick)?.set ?? 0);
      return { tick, holders: holderSetOf(named.flatMap((set) => sets[set - 1] ?? [])) };
    });
    stretches.set(evidence, found);
  }
  return found;
}

/** Returns the evidence of the first `times` times of some of the columns, given by index. */
export function cutEvidence({ sets, tracks, ofColumn }: Evidence, times: number, columns: readonly number[]): Evidence {
  return {
    sets,
    tracks: tracks.map((track) => track.filter(({ tick }) => tick < times)),
    ofColumn: ofColumn && columns.map((column) => ofColumn[column] as number),
  };
}

const ONE_RUN: Track = [{ tick: 0, set: 1 }];

/** Returns the evidence that every series named these holders throughout. */
export const constantEvidence = (set: HolderSet): Evidence | null =>
  set.length === 0 ? null : { sets: [set], tracks: [ONE_RUN], ofColumn: null };

/** Blocks of a batch share their evidence, so each text is made once. */
const texts = new WeakMap<Evidence, string>();

/**
 * Returns the evidence in its text form: equal evidence has equal texts. JSON: sets, tracks as lists of tick and set by
 * turns, columns. A holder is the list of its parts.
 */
export function evidenceText(evidence: Evidence): string {
  let text = texts.get(evidence);
  if (text === undefined) {
    text = textOf(evidence);
    texts.set(evidence, text);
  }
  return text;
}

const textOf = ({ sets, tracks, ofColumn }: Evidence): string =>
  JSON.stringify([
    sets.map((set) =>
      set.map((holder) =>
        holder.kind === "job" ? [holder.job] : [holder.namespace, holder.pod, holder.container, holder.podUid],
      ),
    ),
    tracks.map((track) => track.flatMap(({ tick, set }) => [tick, set])),
    ofColumn,
  ]);

type EvidenceJson = [(string | null)[][][], number[][], number[] | null];

/** Reads the text of `evidenceText`. @throws SyntaxError for other texts */
export function parseEvidence(text: string): Evidence {
  const [sets, tracks, ofColumn] = JSON.parse(text) as EvidenceJson;
  return {
    sets: sets.map((set) =>
      set.map(([first = null, pod, container = null, podUid = null]) =>
        pod === undefined
          ? { kind: "job", job: first ?? "" }
          : { kind: "pod", namespace: first, pod, container, podUid },
      ),
    ),
    tracks: tracks.map((flat) =>
      Array.from({ length: flat.length / 2 }, (_, run) => ({
        tick: flat[2 * run] as number,
        set: flat[2 * run + 1] as number,
      })),
    ),
    ofColumn,
  };
}
