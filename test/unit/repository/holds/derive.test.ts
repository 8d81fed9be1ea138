import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Series } from "../../../../schema/model/reading.ts";
import { derive, type HoldRecord, isOpenAt } from "../../../../services/repository/holds/derive.ts";
import type { Observation } from "../../../../services/repository/holds/timeline.ts";
import { deriveFrom, reachesBack } from "../../../../services/repository/holds/window.ts";
import { podOf } from "../../../conformance/repository/bench.ts";
import { evidenceOf, histories, pacedHistories } from "../../../support/holds/histories.ts";
import { holdTexts, oracleHolds } from "../../../support/holds/oracle.ts";

const [A, B] = [podOf("a"), podOf("b")];
const MINUTE = 60_000;

/** Holds as a store would keep them: everything that begins later, or was open, is replaced. */
function rederive(all: readonly Observation[], stored: readonly HoldRecord[], changedAt: number): HoldRecord[] {
  const evidence = evidenceOf(all);
  const from = deriveFrom(evidence, changedAt);
  const kept = stored.filter((hold) => hold.from < from && hold.ended !== null && hold.ended < from);
  return [...kept, ...derive(evidence, { from, holds: stored.filter((hold) => hold.from < from) }).records];
}

/** The newest observations that reach back far enough. */
function tail(all: readonly Observation[], changedAt: number): readonly Observation[] {
  const times = [...new Set(all.map(({ at }) => at))].filter((at) => at <= changedAt).sort((a, b) => b - a);
  const names = new Set(all.map(({ series }) => series));
  for (let count = 44; count < times.length; count += 10) {
    const read = all.filter(({ at }) => at >= (times[count] as number));
    const hasAll = new Set(read.map(({ series }) => series)).size === names.size;
    if (hasAll && reachesBack(evidenceOf(read), changedAt)) return read;
  }
  return all;
}

describe("derive()", () => {
  test("is the definition", () => {
    fc.assert(
      fc.property(histories, (observations) => {
        expect(holdTexts(derive(evidenceOf(observations)).records)).toEqual(oracleHolds(observations));
      }),
      { numRuns: 2000 },
    );
  });

  test("depends on the evidence alone, not on its order or repetition", () => {
    fc.assert(
      fc.property(
        histories.chain((given) =>
          fc.tuple(fc.constant(given), fc.shuffledSubarray([...given, ...given], { minLength: given.length * 2 })),
        ),
        ([given, shuffled]) => {
          expect(holdTexts(derive(evidenceOf(shuffled)).records)).toEqual(holdTexts(derive(evidenceOf(given)).records));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("goes on from what was derived before, whatever has arrived since, and when", () => {
    fc.assert(
      fc.property(histories, fc.array(fc.nat({ max: 6 }), { minLength: 60, maxLength: 60 }), (given, turns) => {
        const arrived: Observation[] = [];
        let stored: HoldRecord[] = [];
        for (let turn = 0; turn <= 6; turn++) {
          const packet = given.filter((_, index) => (turns[index % 60] as number) === turn);
          if (packet.length === 0) continue;
          arrived.push(...packet);
          const changedAt = Math.min(...packet.map(({ at }) => at));
          stored = rederive(tail(arrived, changedAt), stored, changedAt);
        }
        expect(holdTexts(stored)).toEqual(oracleHolds(given));
      }),
      { numRuns: 1000 },
    );
  });

  test("goes on tick by tick, while the usual interval changes and late readings arrive", () => {
    const late = fc.array(fc.nat({ max: 200 }), { maxLength: 4 });
    fc.assert(
      fc.property(pacedHistories, late, (ticks, lateTicks) => {
        const order = [...ticks.keys()].filter((tick) => !lateTicks.includes(tick));
        order.push(...ticks.keys().filter((tick) => lateTicks.includes(tick)));
        const arrived: Observation[] = [];
        let stored: HoldRecord[] = [];
        for (const tick of order) {
          const packet = ticks[tick] as Observation[];
          arrived.push(...packet);
          const changedAt = (packet[0] as Observation).at;
          stored = rederive(tail(arrived, changedAt), stored, changedAt);
        }
        expect(holdTexts(stored)).toEqual(oracleHolds(ticks.flat()));
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test("a pod that holds without a break is open; one that is dropped is not", () => {
    const rows = [0, 1, 2].map((minute): Observation => {
      const named = minute === 2 ? [B] : [A];
      return { series: "UTIL" as Series, at: minute * MINUTE, holders: named, isMark: false };
    });
    const holds = derive(evidenceOf(rows)).records;
    expect(holds.map(({ holder, from, to, ended }) => [holder, from, to, ended])).toEqual([
      [A, 0, MINUTE, 2 * MINUTE],
      [B, 2 * MINUTE, 2 * MINUTE, null],
    ]);
    expect(holds.map((hold) => isOpenAt(hold, 2 * MINUTE))).toEqual([false, true]);
  });
});
