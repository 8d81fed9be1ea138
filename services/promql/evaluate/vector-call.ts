/** Calls of functions that take instant vectors and scalars. */
import { CALENDAR, MATH } from "../functions/elementwise.ts";
import { labelJoin, labelReplace } from "../functions/relabel.ts";
import { METRIC_NAME, NO_LABELS } from "../labels.ts";
import type { Call, Expr, StringLiteral } from "../parse/ast.ts";
import { absentLabels } from "./absent.ts";
import { type Block, createBlock, dropNames, mergeEqualRows, pickRows } from "./block.ts";
import { type Grid, gridTimes } from "./grid.ts";
import { histogramFraction, histogramQuantile } from "./histogram-call.ts";
import { evaluateSelector } from "./instant-selector.ts";
import type { Query } from "./query.ts";
import type { Evaluators } from "./range-call.ts";

/** What a call is evaluated with; the arguments are without their parentheses. */
interface CallContext {
  readonly call: Call;
  readonly parameters: readonly Expr[];
  readonly grid: Grid;
  readonly query: Query;
  readonly evaluators: Evaluators;
}

const vectorOf = ({ parameters, grid, evaluators }: CallContext, index = 0): Promise<Block> =>
  evaluators.vector(parameters[index]!, grid);
const scalarOf = ({ parameters, grid, evaluators }: CallContext, index: number): Promise<Float64Array> =>
  evaluators.scalar(parameters[index]!, grid);

/** One row without labels that has a value at each step. */
function unlabelled(values: Float64Array): Block {
  const block = createBlock(1, values.length);
  block.labels = [NO_LABELS];
  block.values.set(values);
  block.present.fill(1);
  return block;
}

/** Maps all values in place; absent ones are mapped, too, which does no harm. */
function mapValues(block: Block, map: (value: number, step: number) => number): Block {
  const { values, steps, labels } = block;
  for (let cell = 0, step = 0; cell < labels.length * steps; cell++, step++) {
    if (step === steps) step = 0;
    values[cell] = map(values[cell]!, step);
  }
  return block;
}

async function mapped(context: CallContext, map: (value: number, step: number) => number): Promise<Block> {
  const block = mapValues(await vectorOf(context), map);
  if (context.query.isDue(block.values.length)) await context.query.pause();
  return dropNames(block, context.query.state.delayedNames);
}

async function clamp(context: CallContext, low: Float64Array | null, high: Float64Array | null): Promise<Block> {
  const block = await mapped(context, (value, step) => {
    const capped = high === null ? value : Math.min(high[step]!, value);
    return low === null ? capped : Math.max(low[step]!, capped);
  });
  if (low === null || high === null) return block;
  const { present, steps } = block;
  for (let cell = 0; cell < present.length; cell++) if (high[cell % steps]! < low[cell % steps]!) present[cell] = 0;
  return block;
}

async function round(context: CallContext): Promise<Block> {
  const nearest = context.parameters.length > 1 ? await scalarOf(context, 1) : null;
  return mapped(context, (value, step) => {
    // The inverse loses less for steps such as 0.1.
    const inverse = 1 / (nearest === null ? 1 : nearest[step]!);
    return Math.floor(value * inverse + 0.5) / inverse;
  });
}

async function calendar(context: CallContext, part: (seconds: number) => number): Promise<Block> {
  if (context.parameters.length > 0) return mapped(context, part);
  return unlabelled(gridTimes(context.grid).map((time) => part(Math.floor(time / 1000))));
}

async function timestamp(context: CallContext): Promise<Block> {
  const { parameters, grid, query } = context;
  const [argument] = parameters;
  if (argument!.kind === "selector") {
    return dropNames(await evaluateSelector(argument, grid, query, true), query.state.delayedNames);
  }
  const times = gridTimes(grid);
  return mapped(context, (_, step) => times[step]! / 1000);
}

async function absent(context: CallContext): Promise<Block> {
  const { steps, present, labels } = await vectorOf(context);
  const result = createBlock(1, steps);
  result.labels = [absentLabels(context.parameters[0]!)];
  result.values.fill(1);
  result.present.fill(1);
  for (let cell = 0; cell < labels.length * steps; cell++) if (present[cell] === 1) result.present[cell % steps] = 0;
  return result;
}

async function relabelled(context: CallContext): Promise<Block> {
  const literals = context.parameters.slice(1) as StringLiteral[];
  const isReplace = context.call.signature.name === "label_replace";
  const { relabel, destination } = isReplace ? labelReplace(literals) : labelJoin(literals);
  const block = await vectorOf(context);
  block.labels = block.labels.map((labels, row) => {
    const changed = relabel(labels);
    if (changed !== labels && destination === METRIC_NAME && block.dropName !== null) block.dropName[row] = 0;
    return changed;
  });
  return mergeEqualRows(block);
}

/** Orders the rows of a single step by value, NaN last; the order of a range's rows is that of their labels. */
async function sorted(context: CallContext, isDescending: boolean): Promise<Block> {
  const { call, query } = context;
  const block = await vectorOf(context);
  if (block.steps !== 1) {
    const message = "sort is ineffective for range queries since results are always ordered by labels";
    query.state.remarks.warn(message, call.span);
    return block;
  }
  const { values, present } = block;
  const rows = block.labels.map((_, row) => row).filter((row) => present[row] === 1);
  rows.sort((a, b) => {
    const [left, right] = [values[a]!, values[b]!];
    if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
    if (Number.isNaN(right)) return -1;
    return isDescending ? right - left : left - right;
  });
  return pickRows(block, rows);
}

/** Classic histograms have no sample that these functions could look into. */
const NATIVE_ONLY = new Set([
  ...["histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"],
]);

export async function evaluateVectorCall(context: CallContext): Promise<Block> {
  const { call, parameters, grid, query } = context;
  const { name } = call.signature;
  const math = MATH[name];
  if (math !== undefined) return mapped(context, math);
  const part = CALENDAR[name];
  if (part !== undefined) return calendar(context, part);
  if (NATIVE_ONLY.has(name)) {
    await vectorOf(context);
    return createBlock(0, grid.count);
  }
  switch (name) {
    case "clamp":
      return clamp(context, await scalarOf(context, 1), await scalarOf(context, 2));
    case "clamp_min":
      return clamp(context, await scalarOf(context, 1), null);
    case "clamp_max":
      return clamp(context, null, await scalarOf(context, 1));
    case "round":
      return round(context);
    case "timestamp":
      return timestamp(context);
    case "vector":
      return unlabelled(await scalarOf(context, 0));
    case "absent":
      return absent(context);
    case "label_replace":
    case "label_join":
      return relabelled(context);
    case "sort":
    case "sort_desc":
      return sorted(context, name === "sort_desc");
    case "histogram_quantile": {
      const quantiles = await scalarOf(context, 0);
      return histogramQuantile(quantiles, await vectorOf(context, 1), [parameters[0]!, parameters[1]!], grid, query);
    }
    case "histogram_fraction": {
      const lower = await scalarOf(context, 0);
      const upper = await scalarOf(context, 1);
      return histogramFraction(lower, upper, await vectorOf(context, 2), parameters[2]!, query);
    }
    default:
      throw new Error(`function must have an implementation, got ${name}`);
  }
}
