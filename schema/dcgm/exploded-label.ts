/** Names the label that makes too many series of one metric. */
import type { Series } from "../model/reading.ts";
import { parseLabels } from "./labels.ts";

/** Returns the label with the most values in these series. */
export function explodedLabel(series: Iterable<Series>): string {
  const values = new Map<string, Set<string>>();
  for (const name of series) {
    const labels = parseLabels(name.slice(name.indexOf("{") + 1, -1));
    if (!labels.ok) continue;
    for (const [label, value] of labels.value) {
      const known = values.get(label) ?? new Set();
      values.set(label, known.add(value));
    }
  }
  const [label = ""] = [...values].reduce(
    (most, other) => (other[1].size > most[1].size ? other : most),
    ["", new Set()],
  );
  return label;
}
