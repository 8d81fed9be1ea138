import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Series } from "../../../../schema/model/reading.ts";
import {
  continueHolds,
  type HoldState,
  NEW_STATE,
  UNSETTLED_MAX,
} from "../../../../services/repository/holds/continue.ts";
import { type HoldRecord, isOpenAt } from "../../../../services/repository/holds/derive.ts";
import { sizeOf } from "../../../../services/repository/holds/tail.ts";
import type { Observation } from "../../../../services/repository/holds/timeline.ts";
import { podOf } from "../../../conformance/repository/bench.ts";
import { evidenceOf, histories, pacedHistories } from "../../../support/holds/histories.ts";
import { holdTexts, oracleHolds } from "../../../support/holds/oracle.ts";

const MINUTE = 60_000;
const A = podOf("a");

/** Splits observations in order of time, never within one time. */
function packetsOf(given: readonly Observation[], sizes: readonly number[]): Observation[][] {
  const ticks = [...Map.groupBy(given, ({ at }) => at)].sort(([a], [b]) => a - b).map(([, tick]) => tick);
  const packets: Observation[][] = [];
  for (let turn = 0; ticks.length > 0; turn++) packets.push(ticks.splice(0, sizes[turn % sizes.length] ?? 1).flat());
  return packets;
}

/** Derives the holds packet by packet, and replaces stored ones as a store does. */
function fold(packets: readonly (readonly Observation[])[]): { stored: HoldRecord[]; state: HoldState } {
  let stored: HoldRecord[] = [];
  let state = NEW_STATE;
  for (const packet of packets) {
    const step = continueHolds(state, evidenceOf(packet));
    if (step.kind === "late" || step.state === null) throw new Error("packets must be in order, and small");
    const { from, records } = step;
    stored = [...stored.filter((hold) => hold.from < from && hold.ended !== null && hold.ended < from), ...records];
    ({ state } = step);
  }
  return { stored, state };
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe("continueHolds()", () => {
  test("gives the holds of all evidence, however it is split", () => {
    fc.assert(
      fc.property(histories, sizes, (given, split) => {
        expect(holdTexts(fold(packetsOf(given, split)).stored)).toEqual(oracleHolds(given));
      }),
      { numRuns: 1000 },
    );
  });

  test("gives the holds of all evidence while the usual interval changes", () => {
    fc.assert(
      fc.property(pacedHistories, sizes, (ticks, split) => {
        expect(holdTexts(fold(packetsOf(ticks.flat(), split)).stored)).toEqual(oracleHolds(ticks.flat()));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  const reading = (series: string, at: number): Observation => {
    return { series: series as Series, at, holders: [A], isMark: false };
  };

  test("remembers 21 readings of a series, also of one that reports every hour", () => {
    const given = Array.from({ length: 3000 }, (_, minute) => [
      reading("UTIL", minute * MINUTE),
      ...(minute % 60 === 0 ? [reading("XID", minute * MINUTE)] : []),
    ]).flat();
    const { state } = fold(packetsOf(given, [60]));
    expect(state.unsettledFrom).toBe(Number.POSITIVE_INFINITY);
    expect(sizeOf(state.tail)).toBe(42);
  });

  test("returns no state if more is unsettled than it may remember", () => {
    const ofXid = [reading("XID", 0)];
    const later = Array.from({ length: UNSETTLED_MAX + 42 }, (_, minute) => reading("UTIL", (minute + 10) * MINUTE));
    const first = continueHolds(NEW_STATE, evidenceOf([...ofXid, reading("UTIL", 0)]));
    if (first.kind !== "continued" || first.state === null) throw new Error("the first step must be small");
    expect(continueHolds(first.state, evidenceOf(later))).toMatchObject({ kind: "continued", state: null });
  });

  test("refuses evidence that is not later than all before it", () => {
    const { state } = fold([[reading("UTIL", MINUTE)]]);
    expect(continueHolds(state, evidenceOf([reading("TEMP", MINUTE)]))).toEqual({ kind: "late", changedAt: MINUTE });
  });

  test("leaves a hold open until its series have been silent for three usual intervals and 5 minutes", () => {
    const { stored } = fold([[0, 2, 4].map((minute) => reading("UTIL", minute * MINUTE))]);
    const [hold] = stored as [HoldRecord];
    expect([10 * MINUTE, 10 * MINUTE + 1].map((newest) => isOpenAt(hold, newest))).toEqual([true, false]);
  });
});
