/** The port through which a query reads series. */
import type { Labels } from "./labels.ts";
import type { Matcher } from "./matcher.ts";

/** One series of a selection. */
export interface SourceSeries {
  /** Unique within one selection. */
  readonly labels: Labels;
  /** Milliseconds since 1970, strictly ascending. */
  readonly times: Float64Array;
  /** As long as `times`; NaN is a value like any other. */
  readonly values: Float64Array;
  /**
   * Ascending times, in milliseconds, at which the series ended (Prometheus' staleness marks): an instant selector
   * finds no value from such a time on, until the next sample. Kept apart from the values, because JavaScript does not
   * preserve the bits of a NaN.
   */
  readonly staleAt?: Float64Array;
}

export interface SelectRequest {
  readonly matchers: readonly Matcher[];
  /** Samples and marks in `[start, end]` are needed, in milliseconds. A source may return more. */
  readonly start: number;
  readonly end: number;
  /** How the samples are used. A source may ignore it, or answer from something coarser that gives the same result. */
  readonly use: SelectUse;
}

export interface SelectUse {
  /** Milliseconds between evaluations; 0 for a single one. */
  readonly step: number;
  /** Length of each window, in milliseconds; 0 for an instant selector. */
  readonly range: number;
  /** The range function that reads the windows, or null. */
  readonly rangeFunction: string | null;
}

export interface SeriesSource {
  /**
   * Series that match all matchers. A label that a series lacks has the empty value. The order of series is the order
   * of an instant query's result.
   *
   * @throws what `signal` was aborted with
   */
  select(request: SelectRequest, options: { readonly signal: AbortSignal }): Promise<readonly SourceSeries[]>;
}
