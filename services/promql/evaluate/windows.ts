/** Range vectors: for each series and step, the samples in `(end - range, end]`. */
import type { Labels } from "../labels.ts";
import type { MatrixSelector, Subquery } from "../parse/ast.ts";
import type { Block } from "./block.ts";
import { type Grid, gridBetween, gridEnd, gridTimes } from "./grid.ts";
import { firstAfter } from "./instant-selector.ts";
import type { Query } from "./query.ts";

/** One series that windows slide over. */
export interface Samples {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly dropName: number;
}

/** The windows of all steps, and after `slide` what they hold of one series. */
export interface Windows {
  readonly count: number;
  /** Milliseconds. */
  readonly range: number;
  /** Inclusive end of each window, in milliseconds. */
  readonly ends: Float64Array;
  /** Time of each evaluation, in milliseconds; differs from the end by `offset` and `@`. */
  readonly at: Float64Array;
  /** All windows are the same one, because `@` fixes it. */
  readonly isFixed: boolean;
  /** Of each step, the first sample in the window and the one behind its last. */
  readonly low: Int32Array;
  readonly high: Int32Array;
}

export interface RangeVector {
  readonly series: readonly Samples[];
  readonly windows: Windows;
  /** Values that the series hold beyond what the source keeps. */
  readonly held: number;
}

function createWindows(grid: Grid, fixedAt: number | null, offset: number, range: number): Windows {
  const at = gridTimes(grid);
  const ends = fixedAt === null ? at.map((time) => time - offset) : new Float64Array(grid.count).fill(fixedAt - offset);
  const indexes = (): Int32Array => new Int32Array(grid.count);
  return { count: grid.count, range, ends, at, isFixed: fixedAt !== null, low: indexes(), high: indexes() };
}

/** Finds the samples of each window; both ends only move forward. */
export function slide(windows: Windows, times: Float64Array): void {
  const { count, range, ends, low, high } = windows;
  if (count === 0) return;
  let from = firstAfter(times, ends[0]! - range);
  let to = firstAfter(times, ends[0]!);
  for (let step = 0; step < count; step++) {
    const end = ends[step]!;
    while (from < times.length && times[from]! <= end - range) from++;
    while (to < times.length && times[to]! <= end) to++;
    low[step] = from;
    high[step] = to;
  }
}

export async function selectWindows(
  matrix: MatrixSelector,
  grid: Grid,
  query: Query,
  rangeFunction: string | null,
): Promise<RangeVector> {
  const { selector } = matrix;
  const range = query.lengthMs(matrix.range);
  const offset = query.offsetMs(selector.offset);
  const at = query.atTime(selector.at);
  const windows = createWindows(grid, at, offset, range);
  const first = windows.ends[0]!;
  const last = windows.ends[grid.count - 1]!;
  const step = at === null && grid.count > 1 ? grid.step : 0;
  const series = await query.select(selector.matchers, first - range + 1, last, { step, range, rangeFunction });
  return { series: series.map((one) => ({ ...one, dropName: 0 })), windows, held: 0 };
}

/** Evaluates an expression on another grid. */
export type EvaluateVector = (grid: Grid) => Promise<Block>;

/** The grid of a subquery: multiples of its step after the first window's start. */
function subqueryGrid(subquery: Subquery, grid: Grid, query: Query): { grid: Grid; windows: Windows } {
  const range = query.lengthMs(subquery.range);
  const offset = query.offsetMs(subquery.offset);
  const at = query.atTime(subquery.at);
  const step = subquery.step === null ? query.state.subqueryStep : query.lengthMs(subquery.step);
  const windows = createWindows(grid, at, offset, range);
  const start = (at ?? grid.start) - offset;
  const end = (at ?? gridEnd(grid)) - offset;
  const first = (Math.floor((start - range) / step) + 1) * step;
  return { grid: gridBetween(first, end, step), windows };
}

/** Makes series of a block's rows; steps without a value are left out. */
function rowsAsSamples(block: Block, grid: Grid): Samples[] {
  const times = gridTimes(grid);
  return block.labels.map((labels, row) => {
    const base = row * block.steps;
    const present = block.present.subarray(base, base + block.steps);
    const values = block.values.subarray(base, base + block.steps);
    const dropName = block.dropName?.[row] ?? 0;
    if (!present.includes(0)) return { labels, times, values, dropName };
    const keep = (_: number, step: number): boolean => present[step] === 1;
    return { labels, times: times.filter(keep), values: values.filter(keep), dropName };
  });
}

export async function subqueryWindows(
  subquery: Subquery,
  grid: Grid,
  query: Query,
  evaluate: EvaluateVector,
): Promise<RangeVector> {
  const inner = subqueryGrid(subquery, grid, query);
  if (inner.grid.count === 0) return { series: [], windows: inner.windows, held: 0 };
  // Before the operand is evaluated: a resolution of 1 ms over a year must not become an array.
  query.state.usage.hold(inner.grid.count);
  const block = await evaluate(inner.grid);
  query.state.usage.release(inner.grid.count);
  return { series: rowsAsSamples(block, inner.grid), windows: inner.windows, held: block.labels.length * block.steps };
}
