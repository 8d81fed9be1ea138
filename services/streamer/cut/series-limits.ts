/** Bounds the series of one metric and GPU, and names the label that makes too many of them. */
import { explodedLabel } from "../../../schema/dcgm/exploded-label.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { SkipReason } from "../../sources/port.ts";

export interface Refusal {
  readonly reason: SkipReason;
  /** Returns the reason in words. */
  readonly detail: () => string;
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
