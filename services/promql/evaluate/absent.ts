/** The labels of what is absent. */
import { isMetadata, type Labels, labelsOf, NO_LABELS } from "../labels.ts";
import type { Expr } from "../parse/ast.ts";

/** The labels that a selector demands by exactly one equality; other expressions say nothing about labels. */
export function absentLabels(expr: Expr): Labels {
  const selector = expr.kind === "matrix" ? expr.selector : expr;
  if (selector.kind !== "selector") return NO_LABELS;
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, operator, value } of selector.matchers) {
    if (isMetadata(name)) continue;
    if (operator === "=" && !seen.has(name)) {
      labels.set(name, value);
      seen.add(name);
    } else labels.delete(name);
  }
  return labelsOf(labels);
}
