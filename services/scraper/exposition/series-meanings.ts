/** Tells what series of targets mean: GPU, series and holders. */
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import { LabelledSeries } from "../../../schema/dcgm/labelled-series.ts";
import type { RowFault, RowIdentity } from "../../../schema/dcgm/row.ts";
import type { IgnoredTarget } from "../../../schema/dcgm/row-identities.ts";
import { parseSeriesText } from "../../../schema/dcgm/series-text.ts";
import { fail, type Result } from "../../../schema/model/result.ts";
import { withTargetLabels } from "./target-labels.ts";

export class SeriesMeanings {
  readonly #series: LabelledSeries;

  /** @param target is called with labels that are ignored */
  constructor(rules: LabelRules, target: IgnoredTarget) {
    this.#series = new LabelledSeries(rules, target);
  }

  /** @param text `name{label="value"}` as the target prints it */
  of(text: string, targetLabels: ReadonlyMap<string, string>): Result<RowIdentity, RowFault> {
    const parsed = parseSeriesText(text);
    if (!parsed.ok) return fail({ reason: "labels", detail: parsed.error });
    return this.#series.of(parsed.value.metric ?? "", withTargetLabels(parsed.value.labels, targetLabels));
  }
}
