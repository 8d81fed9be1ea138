/** A source of series in memory, for tests. */
import { type Labels, labelsOf, labelValue } from "../../../services/promql/labels.ts";
import type { SelectRequest, SeriesSource, SourceSeries } from "../../../services/promql/source.ts";

/** Values by time in seconds. */
export type Samples = readonly (readonly [seconds: number, value: number])[];

export function memorySeries(labels: Readonly<Record<string, string>>, samples: Samples, staleAt: number[] = []) {
  return {
    labels: labelsOf(Object.entries(labels)),
    times: Float64Array.from(samples, ([seconds]) => seconds * 1000),
    values: Float64Array.from(samples, ([, value]) => value),
    staleAt: Float64Array.from(staleAt, (seconds) => seconds * 1000),
  };
}

export class MemorySource implements SeriesSource {
  readonly requests: SelectRequest[] = [];
  readonly #series: readonly SourceSeries[];

  constructor(series: readonly SourceSeries[]) {
    this.#series = series;
  }

  async select(request: SelectRequest): Promise<SourceSeries[]> {
    this.requests.push(request);
    const isSelected = (labels: Labels): boolean =>
      request.matchers.every((matcher) => matcher.matches(labelValue(labels, matcher.name)));
    return this.#series.filter(({ labels }) => isSelected(labels));
  }
}
