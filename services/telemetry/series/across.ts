/** Aggregates across the series of a group: window by window. */
import { METRICS } from "../../../schema/model/metric.ts";
import type { Aggregate } from "./fold.ts";

export const ACROSS = ["AVG", "SUM", "MIN", "MAX"] as const;
export type Across = (typeof ACROSS)[number];

/** Units of amounts, which add up across GPUs. Those of levels, such as % and C, do not. */
const AMOUNTS: ReadonlySet<string> = new Set(["MiB", "W", "mJ", "B/s"]);

/**
 * How an aggregate of the series of a metric is combined unless the question says: amounts and counters add up, of
 * levels the smallest and the largest count as such.
 */
export function usualAcross(metric: string, aggregate: Aggregate): Across {
  const known = METRICS[metric];
  if (known !== undefined && (known.kind === "counter" || AMOUNTS.has(known.unit))) return "SUM";
  return aggregate === "min" ? "MIN" : aggregate === "max" ? "MAX" : "AVG";
}

/** Combines the values of series; NaN means no value. */
export class AcrossFold {
  readonly #across: Across;
  readonly #values: Float64Array;
  readonly #count: Float64Array;

  constructor(across: Across, windows: number) {
    this.#across = across;
    this.#values = new Float64Array(windows).fill(Number.NaN);
    this.#count = new Float64Array(windows);
  }

  add(values: Float64Array): void {
    for (const [window, value] of values.entries()) {
      if (Number.isNaN(value)) continue;
      const known = this.#values[window] as number;
      const isFirst = Number.isNaN(known);
      this.#count[window] = (this.#count[window] as number) + 1;
      if (isFirst) this.#values[window] = value;
      else if (this.#across === "MIN") this.#values[window] = Math.min(known, value);
      else if (this.#across === "MAX") this.#values[window] = Math.max(known, value);
      else this.#values[window] = known + value;
    }
  }

  /** Returns the value of each window, null where no series has one. */
  values(): (number | null)[] {
    return Array.from(this.#values, (value, window) => {
      if (Number.isNaN(value)) return null;
      return this.#across === "AVG" ? value / (this.#count[window] as number) : value;
    });
  }
}
