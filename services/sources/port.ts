/** Rows of DCGM CSV files as readings: what the streamer's reader promises to whoever cuts batches from it. */
import type { GpuFacts } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";

/** Why a row gave no reading; the label of the counter and of the summary. */
export const SKIP_REASONS = [
  "fields",
  "quote",
  "too_long",
  "encoding",
  "time",
  "uuid",
  "metric",
  "labels",
  "value",
  "blank",
  "not_finite",
  "truncated",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Where in a file's decompressed bytes the next row begins. */
export interface RowPlace {
  readonly offset: number;
  /** Number of the row's first line, from 1; the header is line 1. */
  readonly line: number;
}

/** Where readings go, in the order of the file. */
export interface RowTarget {
  /**
   * A number for a GPU with these facts and a series; negative: not wanted, and then neither its readings nor what is
   * wrong with their times and values is told. Asked once for each form in which rows of the combination come, so now
   * and then again: the same combination gets the same number.
   */
  slot(facts: GpuFacts, series: Series): number;
  /** `at`: ms since the epoch. True: stop behind this row. */
  add(slot: number, at: number, value: number): boolean;
  /** A row without a reading; `detail` words the reason with the value and what is accepted. */
  skip(reason: SkipReason, line: number, detail: () => string): void;
}

export interface RowReader extends AsyncDisposable {
  /** Reads on into the target until it says stop, or to the end of the file. */
  read(target: RowTarget, options: { signal: AbortSignal }): Promise<"stopped" | "end">;
  /** Behind the last row read. */
  readonly place: RowPlace;
  /** Bytes of the file itself, compressed where it is, taken in so far. */
  readonly bytesRead: number;
}
