/**
 * Sources of readings: what there is to read, opened once each and read from any place on.
 * CSV files and the memory double pass `test/conformance/sources.ts`.
 *
 * A run uses the port like this: `find()` lists the sources, `open()` opens one and judges its content once, and
 * `read()` starts a reader at a place. Readers hand rows over in batches of the caller's choosing.
 *
 * Guarantees:
 * - Order: a reader hands rows over in the order of the source, each once, as a reading or as a skip with a reason.
 * - Repeatability: rows depend on the content and the place alone, never on chunk sizes, pauses or earlier reads.
 *   The clock has one say: a row dated more than a day ahead of it is a skip.
 * - Resumption: a reader started at another reader's place hands over exactly the rows that were still to come, as
 *   long as the source continues the fingerprint taken with that place.
 * - One content: fingerprint, details and readers of an opened source come from the same content, even if another
 *   takes its name meanwhile. What is appended to that content is read too.
 * - Bounds: memory does not grow with the size of a source, and no row is longer than 64 KiB.
 *
 * Not promised: order by time, one reading per series and time (both are the store's business), that a source still
 * exists when it is opened, and that it can be read to its end.
 *
 * Errors are `AppError`:
 * - `not_found`: there is no such source, or it is gone since it was found.
 * - `invalid`: the content is not readable as what it claims to be (wrong header, damaged compression).
 * - `unavailable`: the system refused to list, open or read it; the same call may succeed later.
 */
import type { GpuFacts } from "../../schema/model/gpu.ts";
import type { Series } from "../../schema/model/reading.ts";

/**
 * Why a row gave no reading; the label of the counter and of the summary.
 * - `fields`: another number of fields than the header has
 * - `quote`: a quote where RFC 4180 has none, or one that never closes
 * - `too_long`: longer than 64 KiB
 * - `encoding`: not UTF-8
 * - `time`: no RFC 3339 time, before 2000, or more than a day ahead of the clock
 * - `uuid`, `metric`, `labels`: not of the accepted form
 * - `value`: not a number
 * - `blank`: DCGM's sign for a value that is not there
 * - `not_finite`: NaN, infinite or too large for a double
 * - `truncated`: the source ends inside the row; the reader's place stays before it
 */
export type SkipReason =
  | "fields"
  | "quote"
  | "too_long"
  | "encoding"
  | "time"
  | "uuid"
  | "metric"
  | "labels"
  | "value"
  | "blank"
  | "not_finite"
  | "truncated";

/** A source as `find()` saw it; nothing of it has been opened. */
export interface FoundSource {
  /** Equal for the same source in every run and process: the real path of a file. */
  readonly id: string;
  /** For messages, unique among the sources found: the path of a file. */
  readonly name: string;
  /** Size as it is stored, compressed if it is; it may have grown since. */
  readonly bytes: number;
}

/** What identifies a source's content across runs: a hash of its beginning. */
export interface Fingerprint {
  /** 32 hex digits of SHA-256. */
  readonly head: string;
  /** Bytes hashed: 64 KiB, or all of a shorter source. 0 identifies nothing. */
  readonly length: number;
}

/**
 * A place between two rows: all rows before it have been handed over. It means the same row in every content that
 * continues the fingerprint taken with it, and nothing elsewhere.
 */
export interface Place {
  /** Grows with every row, in units of the source: decompressed bytes of a file. 0 is the start. */
  readonly offset: number;
  /** Number of the next row's first line, for messages: the header of a CSV file is line 1. */
  readonly line: number;
}

/** Receives the rows of a source, in order. Its methods return at once and do not throw. */
export interface RowTarget {
  /**
   * A number for a GPU with these facts and a series. A negative number declines them: their rows give no readings, and
   * no skips for their times and values. Called once for each form in which rows of the combination are written, so
   * possibly again: the same combination must get the same number.
   */
  slot(facts: GpuFacts, series: Series): number;
  /** A reading. `at`: ms since the epoch. Returns true to stop the reader behind this row. */
  add(slot: number, at: number, value: number): boolean;
  /** A row without a reading. `detail` words the reason with the value found and what is accepted. */
  skip(reason: SkipReason, line: number, detail: () => string): void;
}

export interface RowReader extends AsyncDisposable {
  /**
   * Hands rows to the target until it says stop or the signal aborts (`stopped`: call again to read on), or until the
   * source ends (`end`: every further call answers the same). One call at a time.
   *
   * A last row without its newline counts if it is complete; if more bytes could still belong to it, the reader first
   * waits until the source has not grown for two seconds.
   * @throws AppError `invalid`, `unavailable`, after all rows before the damage; `place` stays behind the last of them
   */
  read(target: RowTarget, options: { signal: AbortSignal }): Promise<"stopped" | "end">;
  /** Behind the last row handed over. */
  readonly place: Place;
  /** How much of the source's `bytes` lies before what has been taken in so far; only grows. */
  readonly bytesRead: number;
}

/** One content, held open until it is disposed, after its readers. */
export interface OpenSource extends AsyncDisposable {
  /** Size when it was opened, as it is stored. */
  readonly bytes: number;
  readonly fingerprint: Fingerprint;
  /** For the log: format, compression, columns. */
  readonly details: Readonly<Record<string, string>>;
  /** True if the beginning that `earlier` covers is unchanged: the source is the same, and has grown at most. */
  continues(earlier: Fingerprint): boolean;
  /**
   * Starts a reader, independent of others of this source. A place before the first row means the first row; behind
   * the end of the content there is nothing to read.
   * @throws AppError `invalid`, `unavailable` when what lies before the place cannot be read
   */
  readFrom(place: Place): Promise<RowReader>;
}

/** Where a source starts. */
export const START: Place = { offset: 0, line: 1 };

export interface Sources {
  /** Where `find()` looks, for messages. */
  readonly where: readonly string[];
  /**
   * The sources there are now, each once; never empty.
   * @throws AppError `not_found`, `invalid`, `unavailable`
   */
  find(): Promise<readonly FoundSource[]>;
  /** @throws AppError `not_found`, `invalid`, `unavailable` */
  open(source: FoundSource): Promise<OpenSource>;
}
