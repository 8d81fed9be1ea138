/** Tells what series of targets mean: GPU, series and holders. */
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import type { RowFault, RowIdentity } from "../../../schema/dcgm/row.ts";
import { type IgnoredTarget, RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { parseSeriesText } from "../../../schema/dcgm/series-text.ts";
import { isNilUuid } from "../../../schema/model/gpu.ts";
import { fail, type Result } from "../../../schema/model/result.ts";
import { withTargetLabels } from "./target-labels.ts";

/** Lists of label names that are remembered; a fleet has a few dozen. Beyond it, all are forgotten. */
const MAX_LAYOUTS = 256;
const FIXED = ["timestamp", "__name__", "value", "labels_raw"] as const;
const NO_LABELS: ReadonlySet<string> = new Set([...FIXED, "metric_name"]);

const NIL = fail<RowFault>({
  reason: "uuid",
  detail: "uuid must be that of one GPU, got zeros, which many GPUs report",
});

export class SeriesMeanings {
  readonly #rules: LabelRules;
  readonly #target: IgnoredTarget;
  readonly #layouts = new Map<string, Result<RowIdentities>>();

  /** @param target is called with labels that are ignored */
  constructor(rules: LabelRules, target: IgnoredTarget) {
    this.#rules = rules;
    this.#target = target;
  }

  /** @param text `name{label="value"}` as the target prints it */
  of(text: string, targetLabels: ReadonlyMap<string, string>): Result<RowIdentity, RowFault> {
    const parsed = parseSeriesText(text);
    if (!parsed.ok) return fail({ reason: "labels", detail: parsed.error });
    const labels = [...withTargetLabels(parsed.value.labels, targetLabels)].filter(([name]) => !NO_LABELS.has(name));
    const layout = this.#layoutOf(labels.map(([name]) => name));
    if (!layout.ok) return fail({ reason: "labels", detail: layout.error });
    const fields = ["", parsed.value.metric ?? "", "", "", ...labels.map(([, value]) => value)];
    const identity = layout.value.of(fields, this.#target);
    return identity.ok && isNilUuid(identity.value.facts.uuid) ? NIL : identity;
  }

  #layoutOf(names: readonly string[]): Result<RowIdentities> {
    const key = names.join("\n");
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    if (this.#layouts.size >= MAX_LAYOUTS) this.#layouts.clear();
    const columns = parseDcgmHeader([...FIXED, ...names]);
    const layout = columns.ok
      ? { ok: true as const, value: new RowIdentities({ columns: columns.value, rules: this.#rules }) }
      : columns;
    this.#layouts.set(key, layout);
    return layout;
  }
}
