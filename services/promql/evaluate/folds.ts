/** Aggregations that visit the rows one after the other: sum, avg, min, max, count, group, stddev, stdvar. */
import { lost, meanOf } from "../functions/compensated.ts";
import type { Labels } from "../labels.ts";
import type { Block } from "./block.ts";

export interface Groups {
  /** Of each row, the number of its group. */
  readonly ofRow: Int32Array;
  readonly labels: readonly Labels[];
}

/** Puts the groups' values into `result`, which has a row for each. */
type Fold = (block: Block, groups: Groups, result: Block) => void;

/** Visits each value: its cell in the block, the cell of its group in the result. */
function visit(block: Block, groups: Groups, see: (value: number, to: number) => void): void {
  const { steps, values, present } = block;
  groups.ofRow.forEach((group, row) => {
    const from = row * steps;
    const to = group * steps;
    for (let step = 0; step < steps; step++) if (present[from + step] === 1) see(values[from + step]!, to + step);
  });
}

const sum: Fold = (block, groups, result) => {
  const rests = new Float64Array(result.values.length);
  const { values, present } = result;
  visit(block, groups, (value, to) => {
    if (present[to] === 0) {
      values[to] = value;
      present[to] = 1;
      return;
    }
    const before = values[to]!;
    rests[to] = lost(before, value, rests[to]!);
    values[to] = before + value;
  });
  for (let cell = 0; cell < values.length; cell++) values[cell]! += rests[cell]!;
};

const avg: Fold = (block, groups, result) => {
  const rests = new Float64Array(result.values.length);
  const counts = new Float64Array(result.values.length);
  const { values, present } = result;
  visit(block, groups, (value, to) => {
    const before = values[to]!;
    if (counts[to]!++ === 0) values[to] = value;
    else {
      rests[to] = lost(before, value, rests[to]!);
      values[to] = before + value;
    }
    present[to] = 1;
  });
  for (let cell = 0; cell < values.length; cell++) {
    if (present[cell] === 0) continue;
    if (Number.isFinite(values[cell])) values[cell] = values[cell]! / counts[cell]! + rests[cell]! / counts[cell]!;
    else values[cell] = meanOfCell(block, groups, cell);
  }
};

/** The mean of values whose sum is out of range. */
function meanOfCell(block: Block, groups: Groups, cell: number): number {
  const { steps, values, present } = block;
  const group = Math.floor(cell / steps);
  const step = cell % steps;
  const members: number[] = [];
  groups.ofRow.forEach((of, row) => {
    if (of === group && present[row * steps + step] === 1) members.push(values[row * steps + step]!);
  });
  return meanOf(Float64Array.from(members), 0, members.length);
}

function extreme(isBetter: (value: number, best: number) => boolean): Fold {
  return (block, groups, { values, present }) => {
    visit(block, groups, (value, to) => {
      if (present[to] === 0 || isBetter(value, values[to]!) || Number.isNaN(values[to]!)) values[to] = value;
      present[to] = 1;
    });
  };
}

const count: Fold = (block, groups, { values, present }) => {
  visit(block, groups, (_, to) => {
    values[to]! += 1;
    present[to] = 1;
  });
};

const group: Fold = (block, groups, { values, present }) => {
  visit(block, groups, (_, to) => {
    values[to] = 1;
    present[to] = 1;
  });
};

/** Population variance, by Welford's method. */
function variance(finish: (value: number) => number): Fold {
  return (block, groups, { values, present }) => {
    const means = new Float64Array(values.length);
    const counts = new Float64Array(values.length);
    visit(block, groups, (value, to) => {
      counts[to]! += 1;
      if (present[to] === 0) {
        present[to] = 1;
        means[to] = value;
        values[to] = Number.isFinite(value) ? 0 : Number.NaN;
        return;
      }
      const delta = value - means[to]!;
      means[to]! += delta / counts[to]!;
      values[to]! += delta * (value - means[to]!);
    });
    for (let cell = 0; cell < values.length; cell++) values[cell] = finish(values[cell]! / counts[cell]!);
  };
}

export const FOLDS: Readonly<Record<string, Fold>> = {
  sum,
  avg,
  min: extreme((value, best) => value < best),
  max: extreme((value, best) => value > best),
  count,
  group,
  stdvar: variance((value) => value),
  stddev: variance(Math.sqrt),
};
