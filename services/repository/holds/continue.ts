/**
 * Derives the holds of one GPU in steps, from what is remembered between them: stored evidence is read again only for
 * late readings, after a restart, and where too much is unsettled.
 */
import { type Derivation, derive, type HoldRecord } from "./derive.ts";
import { joinEvidence, sizeOf, tailOf } from "./tail.ts";
import type { GpuEvidence, Timeline } from "./timeline.ts";

/**
 * How many readings of one GPU to remember besides the last 21 of each series: a decision about a gap may stay unsettled
 * for long where a series with few readings names a holder. About 16 bytes each.
 */
export const UNSETTLED_MAX = 4096;
/** Readings of each series that every state has. */
const LAST_READINGS = 21;

/** What is needed to go on with the holds of one GPU. */
export interface HoldState {
  /** Time of the last reading or mark so far. */
  readonly until: number;
  /** See `Derivation`. */
  readonly unsettledFrom: number;
  /** The last 21 readings of each series before `unsettledFrom`, and all later ones. */
  readonly tail: GpuEvidence;
  /** Holds that had not ended before `unsettledFrom`. */
  readonly holds: readonly HoldRecord[];
}

const NO_EVIDENCE: GpuEvidence = { holders: [], instances: [], newest: Number.NEGATIVE_INFINITY };

/** The state of a GPU without evidence. */
export const NEW_STATE: HoldState = {
  ...{ until: Number.NEGATIVE_INFINITY, unsettledFrom: Number.POSITIVE_INFINITY },
  ...{ tail: NO_EVIDENCE, holds: [] },
};

export type Continuation =
  | {
      readonly kind: "continued";
      /** `records` replace all holds that begin at or after this time, and all that had not ended before it. */
      readonly from: number;
      readonly records: readonly HoldRecord[];
      /** Null: too much is unsettled to remember it. */
      readonly state: HoldState | null;
    }
  /** Evidence is not later than all before it: derive the holds again with `deriveFrom(evidence, changedAt)`. */
  | { readonly kind: "late"; readonly changedAt: number };

const firstOf = ({ at, marks }: Timeline): number =>
  Math.min(at[0] ?? Number.POSITIVE_INFINITY, marks[0]?.at ?? Number.POSITIVE_INFINITY);

const lastOf = ({ at, marks }: Timeline): number =>
  Math.max(at.at(-1) ?? Number.NEGATIVE_INFINITY, marks.at(-1)?.at ?? Number.NEGATIVE_INFINITY);

const timelinesOf = ({ instances }: GpuEvidence): Timeline[] => instances.flatMap(({ timelines }) => timelines);

/**
 * Returns the state after a derivation; null if it would be too large.
 * @param evidence that was derived from. @param holds all records that had not ended before `unsettledFrom`
 */
export function stateAfter(evidence: GpuEvidence, { unsettledFrom, records }: Derivation): HoldState | null {
  const tail = tailOf(evidence, unsettledFrom);
  const timelines = timelinesOf(tail);
  if (sizeOf(tail) > UNSETTLED_MAX + timelines.length * LAST_READINGS) return null;
  const holds = records.filter(({ ended }) => ended === null || ended >= unsettledFrom);
  return { until: Math.max(...timelines.map(lastOf)), unsettledFrom, tail, holds };
}

/** Takes in evidence that is later than all before it. */
export function continueHolds(state: HoldState, newer: GpuEvidence): Continuation {
  const changedAt = Math.min(...timelinesOf(newer).map(firstOf));
  if (changedAt <= state.until) return { kind: "late", changedAt };
  const evidence = joinEvidence(state.tail, newer);
  const from = Math.min(state.unsettledFrom, changedAt);
  const derivation = derive(evidence, { from, holds: state.holds.filter((hold) => hold.from < from) });
  return { kind: "continued", from, records: derivation.records, state: stateAfter(evidence, derivation) };
}
