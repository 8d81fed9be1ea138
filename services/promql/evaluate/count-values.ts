/** count_values: how often each value occurs in a group. */
import { failed } from "../errors.ts";
import { keyOf, type Labels, withLabel } from "../labels.ts";
import { formatNumber } from "../number.ts";
import type { Aggregate, StringLiteral } from "../parse/ast.ts";
import { groupLabels } from "./aggregate.ts";
import { type Block, RowCollector } from "./block.ts";
import type { Query } from "./query.ts";

export async function evaluateCountValues(
  expr: Aggregate,
  literal: StringLiteral,
  block: Block,
  query: Query,
): Promise<Block> {
  if (literal.value === "" || !literal.isText) throw failed(`invalid label name ${literal.text}`);
  const grouping = expr.without ? expr : { ...expr, labels: [...expr.labels, literal.value] };
  const { steps, values, present, labels } = block;
  const output = new RowCollector(steps, 16);
  for (let row = 0; row < labels.length; row++) {
    // A row has few different values, so that their labels are made once.
    const rows = new Map<string, number>();
    for (let step = 0; step < steps; step++) {
      const cell = row * steps + step;
      if (present[cell] === 0) continue;
      const value = formatNumber(values[cell]!);
      let to = rows.get(value);
      if (to === undefined) {
        const group: Labels = groupLabels(grouping, withLabel(labels[row]!, literal.value, value));
        to = output.rowOf(keyOf(group), () => {
          query.state.usage.hold(steps);
          return group;
        });
        rows.set(value, to);
      }
      output.set(to, step, output.get(to, step) + 1);
    }
    if (query.isDue(steps)) await query.pause();
  }
  return output.block();
}
