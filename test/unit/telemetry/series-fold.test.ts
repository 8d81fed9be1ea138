import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AGGREGATES, type Aggregate, SeriesFold, type Stretch } from "../../../services/telemetry/series/fold.ts";
import { windowsOf } from "../../../services/telemetry/series/windows.ts";

interface Point {
  readonly at: number;
  readonly value: number;
}

const columnsOf = (points: readonly Point[]) => ({
  at: Float64Array.from(points, ({ at }) => at),
  values: Float64Array.from(points, ({ value }) => value),
});

/** Works an aggregate out from the readings of the window, without any other state. */
function oracle(
  aggregate: Aggregate,
  points: readonly Point[],
  stretches: readonly Stretch[],
  start: number,
  end: number,
) {
  const within = (at: number) => at >= start && at < end;
  const stretchOf = ({ at }: Point) => stretches.find(({ from, to }) => at >= from && at <= to);
  const counted = points.filter((point) => stretchOf(point) !== undefined);
  const values = counted.filter(({ at }) => within(at)).map(({ value }) => value);
  const steps = counted.flatMap((point, index) => {
    const before = counted[index - 1];
    if (before === undefined || stretchOf(before) !== stretchOf(point) || !within(point.at)) return [];
    const grown = point.value < before.value ? point.value : point.value - before.value;
    return [{ grown, seconds: (point.at - before.at) / 1000 }];
  });
  const sum = values.reduce((total, value) => total + value, 0);
  const increase = steps.reduce((total, { grown }) => total + grown, 0);
  const seconds = steps.reduce((total, step) => total + step.seconds, 0);
  if (aggregate === "increase") return steps.length === 0 ? Number.NaN : increase;
  if (aggregate === "rate") return steps.length === 0 ? Number.NaN : increase / seconds;
  if (values.length === 0) return Number.NaN;
  const of = {
    avg: sum / values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    sum,
    count: values.length,
  };
  if (aggregate === "first") return values[0];
  return aggregate === "last" ? values.at(-1) : of[aggregate];
}

const points = fc
  .uniqueArray(fc.record({ at: fc.nat(10_000), value: fc.nat(50) }), { selector: ({ at }) => at, maxLength: 60 })
  .map((all) => all.sort((a, b) => a.at - b.at));

const stretches = fc.uniqueArray(fc.nat(10_000), { minLength: 2, maxLength: 8 }).map((bounds) => {
  const sorted = bounds.sort((a, b) => a - b);
  return Array.from({ length: sorted.length >> 1 }, (_, index) => ({
    from: sorted[2 * index] as number,
    to: sorted[2 * index + 1] as number,
  }));
});

describe("SeriesFold", () => {
  test.each(AGGREGATES)("%s is that of the readings of each window", (aggregate) => {
    fc.assert(
      fc.property(points, stretches, fc.integer({ min: 100, max: 4000 }), fc.nat(60), (all, counted, stepMs, cut) => {
        const windows = windowsOf({ from: 0, to: 10_001 }, stepMs);
        const fold = new SeriesFold(windows);
        fold.add(columnsOf(all.slice(0, cut)), counted);
        fold.add(columnsOf(all.slice(cut)), counted);
        const expected = windows.starts.map((start) => oracle(aggregate, all, counted, start, start + stepMs));
        const found = [...fold.values(aggregate)];
        for (const [window, value] of found.entries()) {
          if (Number.isNaN(expected[window])) expect(value).toBeNaN();
          else expect(value).toBeCloseTo(expected[window] as number, 9);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("counts the share of a step that its holder has", () => {
    const fold = new SeriesFold(windowsOf({ from: 0, to: 100 }, null));
    const column = columnsOf([10, 20, 30].map((at) => ({ at, value: at })));
    fold.add(column, [{ from: 0, to: 100 }], (before) => (before === 10 ? 1 : 0.5));
    expect([...fold.values("increase")]).toEqual([15]);
  });
});

test("windowsOf() aligns windows to the epoch, and refuses too many", () => {
  expect(windowsOf({ from: 90, to: 251 }, 100)).toEqual({ starts: [0, 100, 200], stepMs: 100 });
  expect(windowsOf({ from: 90, to: 251 }, null)).toEqual({ starts: [90], stepMs: 161 });
  expect(() => windowsOf({ from: 0, to: 86_400_000 }, 1000)).toThrow(
    'step must be long enough for at most 11000 windows: at least 8s, got "1000 ms"',
  );
});
