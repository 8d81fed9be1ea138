/** Aggregations that give one row per group. */

import { quantileOfSorted, sortAscending } from "../functions/quantile.ts";
import { filterLabels, isMetadata, type Labels, NO_LABELS, signatureOf } from "../labels.ts";
import type { Aggregate } from "../parse/ast.ts";
import { type Block, createBlock } from "./block.ts";
import { FOLDS, type Groups } from "./folds.ts";
import type { Query } from "./query.ts";

/** The groups of a block's rows, in the order of their first rows. */
export function groupsOf(expr: Aggregate, block: Block): Groups {
  const { labels: names, without } = expr;
  const signature = without || names.length > 0 ? signatureOf(names, !without) : () => "";
  const numbers = new Map<string, number>();
  const labels: Labels[] = [];
  const ofRow = Int32Array.from(block.labels, (row) => {
    const text = signature(row);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, labels.length);
    labels.push(groupLabels(expr, row));
    return labels.length - 1;
  });
  return { ofRow, labels };
}

export function groupLabels({ labels: names, without }: Aggregate, row: Labels): Labels {
  if (without) return filterLabels(row, (name) => !isMetadata(name) && !names.includes(name));
  return names.length === 0 ? NO_LABELS : filterLabels(row, (name) => names.includes(name));
}

function markDropped(result: Block, block: Block, groups: Groups): void {
  const { dropName } = block;
  if (dropName === null) return;
  const marks = new Uint8Array(groups.labels.length);
  groups.ofRow.forEach((group, row) => {
    const values = block.present.subarray(row * block.steps, (row + 1) * block.steps);
    if (dropName[row] === 1 && values.includes(1)) marks[group] = 1;
  });
  result.dropName = marks;
}

/** The values of each group at a step are gathered, because a quantile needs them all at once. */
function quantiles(block: Block, groups: Groups, result: Block, quantile: Float64Array): void {
  const { steps, values, present, labels } = block;
  const members: number[][] = groups.labels.map(() => []);
  groups.ofRow.forEach((group, row) => {
    members[group]!.push(row);
  });
  const gathered = new Float64Array(labels.length);
  members.forEach((rows, group) => {
    for (let step = 0; step < steps; step++) {
      let count = 0;
      for (const row of rows) if (present[row * steps + step] === 1) gathered[count++] = values[row * steps + step]!;
      if (count === 0) continue;
      sortAscending(gathered, count);
      result.values[group * steps + step] = quantileOfSorted(quantile[step]!, gathered, count);
      result.present[group * steps + step] = 1;
    }
  });
}

function remarkQuantiles(expr: Aggregate, quantile: Float64Array, query: Query): void {
  const { remarks } = query.state;
  const { span } = expr.parameter!;
  if (quantile.some(Number.isNaN)) remarks.badQuantile(Number.NaN, span);
  const numbers = quantile.filter((value) => !Number.isNaN(value));
  const most = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if (most > 1) remarks.badQuantile(most, span);
  if (least < 0) remarks.badQuantile(least, span);
}

/** @param parameter of `quantile`, at each step; null for the others */
export async function evaluateAggregate(
  expr: Aggregate,
  parameter: Float64Array | null,
  block: Block,
  query: Query,
): Promise<Block> {
  const groups = groupsOf(expr, block);
  const { steps } = block;
  query.state.usage.hold(groups.labels.length * steps);
  const result = createBlock(groups.labels.length, steps);
  result.labels = [...groups.labels];
  if (expr.operator === "quantile") {
    remarkQuantiles(expr, parameter!, query);
    quantiles(block, groups, result, parameter!);
  } else {
    FOLDS[expr.operator]!(block, groups, result);
  }
  markDropped(result, block, groups);
  if (query.isDue(block.labels.length * steps)) await query.pause();
  return result;
}
