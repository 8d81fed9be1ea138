/**
 * Columns: the merged readings of series over time, for folds and for questions over many GPUs. The contract of every
 * store; `test/conformance/repository.ts` has its tests.
 */
import type { GpuUuid } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";
import type { Window } from "../../schema/model/window.ts";

export interface ColumnsQuery {
  /** Canonical metric names; a metric means all its series. At least one. */
  readonly metrics: readonly string[];
  readonly window: Window;
  /** How fine the answer is. There are raw readings only. */
  readonly resolution: "raw";
  readonly signal?: AbortSignal | undefined;
}

/** One series of one GPU in a stretch of time. */
export interface SeriesColumn {
  readonly series: Series;
  /** Times of the readings, ms since the epoch, strictly ascending. */
  readonly at: Float64Array;
  /** In the unit of the metric, one per time, finite. */
  readonly values: Float64Array;
  /** Times at which a stale mark says that the series has ended, and no reading says otherwise; strictly ascending. */
  readonly marks: Float64Array;
}

/** Series of one GPU in whole hours of UTC, cut to the window. */
export interface ColumnsPart {
  readonly gpu: GpuUuid;
  /** By series ascending. Each has a reading or a mark. At least one. */
  readonly columns: readonly SeriesColumn[];
}

export interface ColumnsRepository {
  /**
   * Yields the columns of each GPU, in the order of `gpus`, each GPU once. Those of a long window come in several
   * parts, one after the other in time.
   * - Merged: as `readings()`, one value for each series and time.
   * - Bounded: a part ends after the hour in which it reaches 262,144 readings. The next one is read when the caller
   *   asks for it.
   * - Stable under writes: each reading that was stored at the start is yielded exactly once, unless it expires
   *   meanwhile.
   * - Not promised: one snapshot of several parts or GPUs. A reading that arrives while the caller reads may be yielded
   *   or not.
   * @throws AppError `unavailable`; the error of `signal`, as soon as it is aborted between two parts
   */
  columns(gpus: readonly GpuUuid[], query: ColumnsQuery): AsyncIterable<ColumnsPart>;
}
