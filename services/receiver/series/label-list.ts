/** The labels of a received series, and the limits on them. */
import { fail, ok, type Result } from "../../../schema/model/result.ts";

export type LabelList = readonly (readonly [name: string, value: string])[];

/** Limits of Mimir's defaults in number, and of DCGM's longest texts in length. */
const MAX_LABELS = 30;
const MAX_LABEL_BYTES = 256;

/** What is wrong with labels: `invalid` breaks the protocol, `labels` is beyond a limit. */
export interface LabelFault {
  readonly kind: "invalid" | "labels";
  readonly detail: string;
}

/** Returns the labels without empty values, which count as absent. */
export function checkLabels(labels: LabelList): Result<ReadonlyMap<string, string>, LabelFault> {
  const checked = new Map<string, string>();
  for (const [name, value] of labels) {
    if (name === "") return fail({ kind: "invalid", detail: "name of a label must not be empty" });
    if (checked.has(name)) return fail({ kind: "invalid", detail: `label ${name} must be given once, got it again` });
    if (Buffer.byteLength(value) > MAX_LABEL_BYTES || Buffer.byteLength(name) > MAX_LABEL_BYTES) {
      const accepted = `at most ${MAX_LABEL_BYTES} bytes`;
      return fail({ kind: "labels", detail: `label ${name.slice(0, 64)} must have ${accepted}, got more` });
    }
    checked.set(name, value);
  }
  if (checked.size > MAX_LABELS) {
    return fail({ kind: "labels", detail: `series must have at most ${MAX_LABELS} labels, got ${checked.size}` });
  }
  return ok(checked);
}
