/** `labels_raw`, as an export flattens Prometheus labels: `gpu="0",modelName="NVIDIA H100 80GB HBM3"`. */
import { fail, ok, type Result } from "./result.ts";

/** What a message says is accepted. */
const LABELS_FORM = 'labels of the form name="value",name="value"';

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:, ?|$)/sy;
const ESCAPE = /\\(["\\n])/g;

/** Empty text is no labels; of a name given twice the last counts. Text that is cut short is an error. */
export function parseLabels(text: string): Result<ReadonlyMap<string, string>> {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const from = LABEL.lastIndex;
    const match = LABEL.exec(text);
    if (match === null) {
      return fail(`labels_raw has ${JSON.stringify(text.slice(from, from + 80))}: accepted are ${LABELS_FORM}`);
    }
    const [, name = "", value = ""] = match;
    labels.set(name, value.includes("\\") ? value.replace(ESCAPE, (_, c: string) => (c === "n" ? "\n" : c)) : value);
  }
  return ok(labels);
}
