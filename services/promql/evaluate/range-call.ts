/** Calls of functions that take a range vector. */

import type { Kernel, KernelOutput } from "../functions/kernel.ts";
import { OVER_TIME_KERNELS } from "../functions/over-time.ts";
import { RATE_KERNELS } from "../functions/rate.ts";
import { REGRESSION_KERNELS } from "../functions/regression.ts";
import { labelValue, METRIC_NAME } from "../labels.ts";
import type { Call, Expr, MatrixSelector, Subquery } from "../parse/ast.ts";
import { absentLabels } from "./absent.ts";
import { type Block, createBlock, dropNames, mergeEqualRows } from "./block.ts";
import type { Grid } from "./grid.ts";
import type { Query } from "./query.ts";
import { type RangeVector, selectWindows, slide, subqueryWindows, type Windows } from "./windows.ts";

export const KERNELS: Readonly<Record<string, Kernel>> = {
  ...OVER_TIME_KERNELS,
  ...RATE_KERNELS,
  ...REGRESSION_KERNELS,
};

/** The functions whose result is a sample itself, so that it keeps the metric's name. */
const KEEPS_NAME = new Set(["last_over_time", "first_over_time"]);
/** Where `@` fixes the window, its result still depends on the step. */
const USES_STEP_TIME = new Set(["predict_linear"]);

class RowOutput implements KernelOutput {
  readonly #block: Block;
  #base = 0;

  constructor(block: Block) {
    this.#block = block;
  }

  moveTo(row: number): void {
    this.#base = row * this.#block.steps;
  }

  set(step: number, value: number): void {
    this.#block.values[this.#base + step] = value;
    this.#block.present[this.#base + step] = 1;
  }

  /** Copies the first step's result to all others. */
  repeatFirst(): void {
    const { values, present, steps } = this.#block;
    values.fill(values[this.#base]!, this.#base, this.#base + steps);
    present.fill(present[this.#base]!, this.#base, this.#base + steps);
  }
}

const COUNTER_NAME = /_(?:total|sum|count|bucket)$/;

function remarkNonCounter(block: Block, row: number, name: string, argument: Expr, query: Query): void {
  if (name === "" || COUNTER_NAME.test(name) || query.state.isCounter(name)) return;
  const base = row * block.steps;
  if (!block.present.subarray(base, base + block.steps).includes(1)) return;
  const message = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
  query.state.remarks.info(`${message} ${JSON.stringify(name)}`, argument.span);
}

async function runKernel(
  call: Call,
  vector: RangeVector,
  grid: Grid,
  query: Query,
  scalars: readonly Float64Array[],
  argument: Expr,
): Promise<Block> {
  const { name } = call.signature;
  const kernel = KERNELS[name]!;
  const { series } = vector;
  query.state.usage.hold(series.length * grid.count);
  const block = createBlock(series.length, grid.count);
  const output = new RowOutput(block);
  const isOnce = vector.windows.isFixed && scalars.length === 0 && !USES_STEP_TIME.has(name);
  const windows: Windows = isOnce ? { ...vector.windows, count: Math.min(1, grid.count) } : vector.windows;
  const isRate = name === "rate" || name === "increase";
  const marks = new Uint8Array(series.length);
  for (let row = 0; row < series.length; row++) {
    const one = series[row]!;
    slide(windows, one.times);
    output.moveTo(row);
    kernel(one, windows, output, scalars);
    if (isOnce) output.repeatFirst();
    block.labels.push(one.labels);
    marks[row] = one.dropName;
    if (isRate) remarkNonCounter(block, row, labelValue(one.labels, METRIC_NAME), argument, query);
    if (query.isDue(one.times.length + grid.count)) await query.pause();
  }
  query.state.usage.release(vector.held);
  if (marks.includes(1)) block.dropName = marks;
  return block;
}

/** 1 at the steps at which no row has a value. */
function absentSteps(block: Block, argument: Expr): Block {
  const { steps, present, labels } = block;
  const result = createBlock(1, steps);
  result.labels = [absentLabels(argument)];
  for (let step = 0; step < steps; step++) {
    let isAbsent = true;
    for (let row = 0; row < labels.length && isAbsent; row++) isAbsent = present[row * steps + step] === 0;
    if (isAbsent) {
      result.values[step] = 1;
      result.present[step] = 1;
    }
  }
  return result;
}

export interface Evaluators {
  scalar(expr: Expr, grid: Grid): Promise<Float64Array>;
  vector(expr: Expr, grid: Grid): Promise<Block>;
}

export async function rangeVectorOf(
  argument: MatrixSelector | Subquery,
  grid: Grid,
  query: Query,
  rangeFunction: string | null,
  evaluators: Evaluators,
): Promise<RangeVector> {
  if (argument.kind === "matrix") return selectWindows(argument, grid, query, rangeFunction);
  return subqueryWindows(argument, grid, query, (inner) => evaluators.vector(argument.operand, inner));
}

/** @param parameters the call's arguments without their parentheses */
export async function evaluateRangeCall(
  call: Call,
  parameters: readonly Expr[],
  grid: Grid,
  query: Query,
  evaluators: Evaluators,
): Promise<Block> {
  const { name } = call.signature;
  const argument = parameters.find((expr) => expr.kind === "matrix" || expr.kind === "subquery")!;
  const scalars: Float64Array[] = [];
  for (const expr of parameters) if (expr !== argument) scalars.push(await evaluators.scalar(expr, grid));
  const range = argument as MatrixSelector | Subquery;
  const vector = await rangeVectorOf(range, grid, query, name, evaluators);
  if (name === "quantile_over_time" && vector.series.length > 0) {
    const wrong = scalars[0]!.find((quantile) => !(quantile >= 0 && quantile <= 1));
    if (wrong !== undefined) query.state.remarks.badQuantile(wrong, parameters[0]!.span);
  }
  const block = await runKernel(call, vector, grid, query, scalars, argument);
  if (name === "absent_over_time") return absentSteps(block, argument);
  if (!KEEPS_NAME.has(name)) return dropNames(block, query.state.delayedNames);
  return query.state.delayedNames ? block : mergeEqualRows(block);
}
