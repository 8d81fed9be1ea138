import { expect, test } from "bun:test";
import fc from "fast-check";
import { type HolderSet, NOBODY } from "../../../../schema/model/holder.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import { derive, type HoldRecord } from "../../../../services/repository/holds/derive.ts";
import { openHoldKey, RecentEvidence } from "../../../../services/repository/holds/recent.ts";
import { EvidenceCollector, type Observation } from "../../../../services/repository/holds/timeline.ts";
import { batchOf, factsOf, podOf, type Row, START } from "../../../conformance/repository/bench.ts";
import { holdTexts, oracleHolds } from "../../../support/holds/oracle.ts";

const SECOND = 1000;
const [A, B] = [podOf("a"), podOf("b")];
/** Lists of series as batches may divide those of one GPU; some share a series. */
const LISTS = [
  ["UTIL", "TEMP"],
  ["FB", "POWER"],
  ['UTIL{GPU_I_ID="7"}'],
  ['CLOCK{vgpu="0"}', 'CLOCK{vgpu="1"}'],
  ["UTIL"],
  ['CLOCK{vgpu="0"}'],
  ['CLOCK{vgpu="1"}'],
  ["CLOCK"],
  ["FAN", 'FAN{GPU_I_ID="7"}'],
] as Series[][];

const tick = fc.record({
  pause: fc.oneof(
    { weight: 40, arbitrary: fc.constant(15 * SECOND) },
    { weight: 1, arbitrary: fc.constant(299 * SECOND) },
    { weight: 1, arbitrary: fc.constant(900 * SECOND) },
  ),
  lists: fc.oneof(
    fc.subarray(LISTS, { minLength: 1 }),
    fc.constantFrom(...LISTS).map((list) => [list]),
  ),
  /** Mostly the holders of the tick before. */
  named: fc.option(fc.constantFrom<HolderSet>(NOBODY, [A], [B], [A, B]), { freq: 6 }),
  /** The same for the second replica. */
  replica: fc.option(fc.constantFrom<HolderSet>(NOBODY, [A], [B]), { freq: 6 }),
  oneNamesNobody: fc.integer({ min: 0, max: 12 }).map((number) => number === 0),
  /** The tick at which the first series of a block of two ticks has no reading; null: a block of one tick. */
  hole: fc.constantFrom(null, null, null, null, 0, 1),
});
const HOLE_MS = 5 * SECOND;

test("RecentEvidence.extend() takes a block for an extension only where the holds are otherwise unchanged", () => {
  let extensions = 0;
  fc.assert(
    fc.property(fc.array(tick, { minLength: 2, maxLength: 120 }), (ticks) => {
      const recent = new RecentEvidence();
      const arrived: Observation[] = [];
      let stored: HoldRecord[] = [];
      let at = 0;
      let holders: HolderSet = NOBODY;
      let ofReplica: HolderSet = NOBODY;
      for (const { pause, lists, named, replica, oneNamesNobody, hole } of ticks) {
        at += pause;
        holders = named ?? holders;
        ofReplica = replica ?? ofReplica;
        for (const series of lists) {
          const setOf = (column: number) => {
            if (oneNamesNobody && column === 0) return NOBODY;
            return series[column]?.includes('vgpu="1"') ? ofReplica : holders;
          };
          const times = hole === null || series.length === 1 ? [at] : [at, at + HOLE_MS];
          const isHole = (column: number, index: number) => times.length > 1 && column === 0 && index === hole;
          const kept = series.flatMap((name, column) =>
            times.flatMap((time, index) => (isHole(column, index) ? [] : [{ name, column, time }])),
          );
          const rows = kept.map(({ name, column, time }): Row => {
            return [name, time, 1, factsOf(1, { holders: setOf(column) })];
          });
          const batch = batchOf(rows);
          const [{ evidence = null } = {}] = batch.blocks;
          const last = times.at(-1) as number;
          const block = {
            ...{ series: batch.series, evidence, from: START + at, to: START + last },
            ...{ longestGapMs: last - at, isFull: times.length === 1, marks: 0 },
          };
          for (const { name, column, time } of kept) {
            arrived.push({ series: name, at: START + time, holders: setOf(column), isMark: false });
          }
          const extended = recent.extend(block);
          if (extended === null) {
            const collector = new EvidenceCollector();
            for (const observation of arrived) collector.add(observation);
            const { records, unsettledFrom } = derive(collector.evidence());
            stored = [...records];
            recent.learn([block], unsettledFrom === Number.POSITIVE_INFINITY);
            continue;
          }
          extensions++;
          stored = stored.map((hold) =>
            hold.ended === null && extended.includes(openHoldKey(hold.instance, hold.holder))
              ? { ...hold, to: Math.max(hold.to, START + last) }
              : hold,
          );
        }
      }
      // The usual interval of a hold is only brought up to date when it is derived again.
      const bare = (text: string) => text.split(" ").slice(0, -1).join(" ");
      expect(holdTexts(stored).map(bare)).toEqual(oracleHolds(arrived).map(bare));
    }),
    { numRuns: 600 },
  );
  expect(extensions).toBeGreaterThan(300);
});

test("RecentEvidence.extend() takes every further block of a steady GPU for an extension", () => {
  const recent = new RecentEvidence();
  const blockAt = (series: readonly Series[], at: number) => {
    const batch = batchOf(series.map((name): Row => [name, at, 1, factsOf(1, { holders: [A] })]));
    return {
      ...{ series: batch.series, evidence: batch.blocks[0]?.evidence ?? null, from: START + at, to: START + at },
      ...{ longestGapMs: 0, isFull: true, marks: 0 },
    };
  };
  const [first, second] = LISTS as [Series[], Series[]];
  for (const list of [first, second]) {
    expect(recent.extend(blockAt(list, 0))).toBeNull();
    recent.learn([blockAt(list, 0)], true);
  }
  for (let minute = 1; minute < 100; minute++) {
    for (const list of [first, second]) {
      expect(recent.extend(blockAt(list, minute * 60 * SECOND))).toEqual([openHoldKey(null, A)]);
    }
  }
  expect(recent.extend(blockAt(first, 105 * 60 * SECOND))).toBeNull();
});

test.each([
  { name: "extends where one of several series has no reading at a time", series: ["FAN", "FB"], extends: true },
  { name: "derives again where a card or an instance has none", series: ["FAN", 'FB{GPU_I_ID="7"}'], extends: false },
  { name: "derives again where a replica has none", series: ['FAN{vgpu="0"}', 'FAN{vgpu="1"}'], extends: false },
])("RecentEvidence.extend() $name", ({ series, extends: extending }) => {
  const recent = new RecentEvidence();
  const blockAt = (at: number, isFull: boolean) => {
    const times = [at, at + HOLE_MS];
    const rows = series.flatMap((name, column) =>
      times.slice(0, isFull || column > 0 ? 2 : 1).map((time): Row => {
        return [name as Series, time, 1, factsOf(1, { holders: [A] })];
      }),
    );
    const batch = batchOf(rows);
    return {
      ...{ series: batch.series, evidence: batch.blocks[0]?.evidence ?? null, from: START + at },
      ...{ to: START + at + HOLE_MS, longestGapMs: HOLE_MS, isFull, marks: 0 },
    };
  };
  recent.learn([blockAt(0, true)], true);
  expect(recent.extend(blockAt(15 * SECOND, false)) !== null).toBe(extending);
  if (extending) expect(recent.extend(blockAt(30 * SECOND, false))).toEqual([openHoldKey(null, A)]);
});

test("RecentEvidence.extend() derives again when replicas end and the card's own row returns", () => {
  const recent = new RecentEvidence();
  const blockAt = (name: string, at: number, holders: HolderSet) => {
    const batch = batchOf([[name as Series, at, 1, factsOf(1, { holders })]]);
    return {
      ...{ series: batch.series, evidence: batch.blocks[0]?.evidence ?? null, from: START + at, to: START + at },
      ...{ longestGapMs: 0, isFull: true, marks: 0 },
    };
  };
  recent.learn([blockAt("CLOCK", 0, NOBODY)], true);
  const shared = blockAt('CLOCK{vgpu="0"}', 15 * SECOND, [A]);
  expect(recent.extend(shared)).toBeNull();
  recent.learn([shared], true);
  expect(recent.extend(blockAt("CLOCK", 30 * SECOND, NOBODY))).toBeNull();
});
