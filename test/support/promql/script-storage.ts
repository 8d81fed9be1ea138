/** The storage of a test script: series in memory, and what they were loaded with beyond floats. */
import { keyOf, type Labels, labelValue, METRIC_NAME, withLabel } from "../../../services/promql/labels.ts";
import type { SelectRequest, SeriesSource, SourceSeries } from "../../../services/promql/source.ts";
import type { Load } from "./script.ts";

interface Stored {
  readonly labels: Labels;
  readonly samples: Map<number, number>;
  readonly staleAt: Set<number>;
}

/** What a series has that a source of floats lacks. */
export type Beyond = "native histograms" | "start timestamps";

const ascending = (a: number, b: number): number => a - b;

export class ScriptStorage implements SeriesSource {
  readonly #series = new Map<string, Stored>();
  readonly #beyond = new Map<string, { labels: Labels; kinds: Set<Beyond> }>();
  #touched = new Set<Beyond>();

  clear(): void {
    this.#series.clear();
    this.#beyond.clear();
  }

  load(load: Load): void {
    for (const { labels, points, isStartTimes } of load.series) {
      if (isStartTimes) {
        this.#mark(labels, "start timestamps");
        continue;
      }
      points.forEach((point, index) => {
        const time = index * load.stepMs;
        if (point.kind === "value") this.#stored(labels).samples.set(time, point.value);
        if (point.kind === "stale") this.#stored(labels).staleAt.add(time);
        if (point.kind === "histogram") this.#mark(labels, "native histograms");
      });
      if (load.withCustomBuckets) {
        const name = labelValue(labels, METRIC_NAME).replace(/_(bucket|count|sum)$/, "");
        this.#mark(withLabel(withLabel(labels, METRIC_NAME, name), "le", ""), "native histograms");
      }
    }
  }

  #stored(labels: Labels): Stored {
    const key = keyOf(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const stored: Stored = { labels, samples: new Map(), staleAt: new Set() };
    this.#series.set(key, stored);
    return stored;
  }

  #mark(labels: Labels, kind: Beyond): void {
    const key = keyOf(labels);
    const known = this.#beyond.get(key);
    if (known !== undefined) known.kinds.add(kind);
    else this.#beyond.set(key, { labels, kinds: new Set([kind]) });
  }

  /** What selections since the last call have touched. */
  takeTouched(): Set<Beyond> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  async select({ matchers, start, end }: SelectRequest): Promise<SourceSeries[]> {
    const isSelected = (labels: Labels): boolean => matchers.every((one) => one.matches(labelValue(labels, one.name)));
    for (const { labels, kinds } of this.#beyond.values()) {
      if (isSelected(labels)) for (const kind of kinds) this.#touched.add(kind);
    }
    const inside = (time: number): boolean => time >= start && time <= end;
    return [...this.#series.values()]
      .filter(({ labels }) => isSelected(labels))
      .map(({ labels, samples, staleAt }) => {
        const times = Float64Array.from([...samples.keys()].filter(inside).sort(ascending));
        const values = times.map((time) => samples.get(time)!);
        return { labels, times, values, staleAt: Float64Array.from([...staleAt].filter(inside).sort(ascending)) };
      })
      .filter(({ times, staleAt }) => times.length > 0 || staleAt.length > 0);
  }
}
