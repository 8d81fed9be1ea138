/** Gathers the aggregates of the series of one group. */
import { METRICS } from "../../../schema/model/metric.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { type Across, AcrossFold, usualAcross } from "./across.ts";
import { AGGREGATES, type Aggregate, type SeriesFold } from "./fold.ts";
import type { GroupKey } from "./stretches.ts";

const LABELS = /(?:vgpu|GPU_I_ID|GPU_I_PROFILE)="(?:[^"\\]|\\.)*",?/g;
/** Metrics that DCGM reports for each MIG instance. Others are the card's, whatever instance a row names. */
const OF_INSTANCES = /^DCGM_FI_(?:PROF_|DEV_FB_)/;

/**
 * Names what a series measures: the card's power is repeated for each instance and replica, and counts once. Series of
 * instances differ, unless they are replicas.
 */
export function measuredBy(series: Series, metric: string): string {
  if (!series.includes("{")) return series;
  return OF_INSTANCES.test(metric) ? series.replace(/vgpu="[^"]*",?/, "") : series.replaceAll(LABELS, "");
}

/** Of a gauge, the increase means nothing. */
export const countsSteps = (metric: string): boolean => METRICS[metric]?.kind === "counter";

/** Aggregates of one metric, by window. */
export class Group {
  readonly key: GroupKey;
  readonly metric: string;
  isShared = false;
  readonly #folds: ReadonlyMap<Aggregate, AcrossFold>;

  constructor(key: GroupKey, metric: string, { across, windows }: { across: Across | undefined; windows: number }) {
    this.key = key;
    this.metric = metric;
    // The number of readings adds up, whatever the values do.
    const acrossOf = (aggregate: Aggregate) =>
      aggregate === "count" ? "SUM" : (across ?? usualAcross(metric, aggregate));
    this.#folds = new Map(AGGREGATES.map((aggregate) => [aggregate, new AcrossFold(acrossOf(aggregate), windows)]));
  }

  /** Adds the series of one GPU, by what they measure. */
  addGpu(folds: ReadonlyMap<string, readonly SeriesFold[]>, windows: number): void {
    for (const same of folds.values()) {
      for (const [aggregate, fold] of this.#folds) {
        const [first] = same;
        if (first !== undefined && same.length === 1) {
          fold.add(first.values(aggregate));
          continue;
        }
        const once = new AcrossFold("MAX", windows);
        for (const repeated of same) once.add(repeated.values(aggregate));
        fold.add(Float64Array.from(once.values(), (value) => value ?? Number.NaN));
      }
    }
  }

  /** True if no reading counts. */
  get isEmpty(): boolean {
    return this.values("count").every((count) => count === null);
  }

  values(aggregate: Aggregate): (number | null)[] {
    return this.#folds.get(aggregate)?.values() ?? [];
  }
}
