import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { HolderSet } from "../../../../schema/model/holder.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import { deriveHolds, type HoldRecord, isOpenAt } from "../../../../services/repository/holds/derive.ts";
import { EvidenceCollector, type Observation } from "../../../../services/repository/holds/timeline.ts";
import { deriveFrom, reachesBack } from "../../../../services/repository/holds/window.ts";
import { podOf } from "../../../conformance/repository/bench.ts";
import { holdTexts, oracleHolds } from "../../../support/holds/oracle.ts";

const [A, B] = [podOf("a"), podOf("b")];
const MINUTE = 60_000;

function evidenceOf(observations: readonly Observation[]) {
  const collector = new EvidenceCollector();
  for (const observation of observations) collector.add(observation);
  return collector.evidence();
}

const SERIES = ["UTIL", "TEMP", 'FB{vgpu="0"}', 'FB{vgpu="1"}', "FB", 'UTIL{GPU_I_ID="7"}'] as Series[];
/** Times that give usual intervals, missed scrapes, and silences. */
const gap = fc.oneof(
  { weight: 8, arbitrary: fc.constant(MINUTE) },
  { weight: 2, arbitrary: fc.integer({ min: 2, max: 9 }).map((minutes) => minutes * MINUTE) },
  { weight: 1, arbitrary: fc.constant(40 * MINUTE) },
);
const holders: fc.Arbitrary<HolderSet> = fc.constantFrom<HolderSet>([], [A], [A], [B], [A, B]);
const row = fc.record({
  series: fc.constantFrom(...SERIES),
  holders,
  isMark: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const history: fc.Arbitrary<Observation[]> = fc
  .array(fc.tuple(gap, fc.array(row, { minLength: 1, maxLength: 4 })), { minLength: 1, maxLength: 60 })
  .map((ticks) => {
    let at = 0;
    return ticks.flatMap(([pause, rows]) => {
      at += pause;
      return rows.map((one) => ({ ...one, at }));
    });
  });

/** Holds as a store would keep them: everything that begins later, or was open, is replaced. */
function rederive(all: readonly Observation[], stored: readonly HoldRecord[], changedAt: number): HoldRecord[] {
  const evidence = evidenceOf(all);
  const from = deriveFrom(evidence, changedAt);
  const kept = stored.filter((hold) => hold.from < from && hold.ended !== null && hold.ended < from);
  return [...kept, ...deriveHolds(evidence, { from, holds: stored.filter((hold) => hold.from < from) })];
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

describe("deriveHolds()", () => {
  test("is the definition", () => {
    fc.assert(
      fc.property(history, (observations) => {
        expect(holdTexts(deriveHolds(evidenceOf(observations)))).toEqual(oracleHolds(observations));
      }),
      { numRuns: 2000 },
    );
  });

  test("depends on the evidence alone, not on its order or repetition", () => {
    fc.assert(
      fc.property(
        history.chain((given) =>
          fc.tuple(fc.constant(given), fc.shuffledSubarray([...given, ...given], { minLength: given.length * 2 })),
        ),
        ([given, shuffled]) => {
          expect(holdTexts(deriveHolds(evidenceOf(shuffled)))).toEqual(holdTexts(deriveHolds(evidenceOf(given))));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("goes on from what was derived before, whatever has arrived since, and when", () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat({ max: 6 }), { minLength: 60, maxLength: 60 }), (given, turns) => {
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
    const pace = fc.constantFrom(1, 2, 3, 4, 5, 6).map((minutes) => minutes * MINUTE);
    const stretch = fc.tuple(pace, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 4, max: 19 }), holders, holders);
    const late = fc.array(fc.nat({ max: 200 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 4, maxLength: 8 }), late, (stretches, lateTicks) => {
        let at = 0;
        const ticks = stretches.flatMap(([interval, count, pause, one, other]) => {
          at += pause * MINUTE;
          return Array.from({ length: count }, (_, tick): Observation[] => {
            at += interval;
            const named = (series: string, named: HolderSet) => {
              return { series: series as Series, at, holders: named, isMark: false };
            };
            return [named("UTIL", one), ...(tick % 3 === 0 ? [named("TEMP", other)] : [])];
          });
        });
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
    const holds = deriveHolds(evidenceOf(rows));
    expect(holds.map(({ holder, from, to, ended }) => [holder, from, to, ended])).toEqual([
      [A, 0, MINUTE, 2 * MINUTE],
      [B, 2 * MINUTE, 2 * MINUTE, null],
    ]);
    expect(holds.map((hold) => isOpenAt(hold, 2 * MINUTE))).toEqual([false, true]);
  });
});
