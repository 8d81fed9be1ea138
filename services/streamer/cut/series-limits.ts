/** Bounds the series of one metric and GPU, and names the label that makes too many of them. */
import { parseLabels } from "../../../schema/dcgm/labels.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { SkipReason } from "../../sources/port.ts";

export interface Refusal {
  readonly reason: SkipReason;
  /** Returns the reason in words. */
  readonly detail: () => string;
}

/** Returns the label with the most values in these series. */
function explodedLabel(series: Iterable<Series>): string {
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

/**
 * Accepts the first series of a metric and GPU up to the limit. A series without labels is always accepted: there is
 * one.
 */
export class SeriesLimits {
  readonly #max: number;
  readonly #accepted = new Map<string, Set<Series>>();
  readonly #refusals = new Map<string, Refusal>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Returns undefined if the series is accepted. */
  refusal(gpu: GpuUuid, series: Series): Refusal | undefined {
    if (!series.includes("{")) return undefined;
    const metric = metricOf(series);
    const key = `${gpu} ${metric}`;
    const accepted = this.#accepted.get(key) ?? new Set();
    if (accepted.has(series)) return undefined;
    if (accepted.size < this.#max) {
      this.#accepted.set(key, accepted.add(series));
      return undefined;
    }
    let refusal = this.#refusals.get(key);
    if (refusal === undefined) {
      const label = explodedLabel(accepted);
      refusal = {
        reason: "cardinality",
        detail: () => `series of ${metric} on ${gpu} must be at most ${this.#max}, got more by label ${label}`,
      };
      this.#refusals.set(key, refusal);
    }
    return refusal;
  }
}
