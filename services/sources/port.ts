/**
 * Sources of readings. Each is found, opened once, and read from any place on.
 * CSV files and the in-memory test double pass `test/conformance/sources.ts`.
 *
 * `find()` lists the sources, `open()` opens one and inspects its content once, and `readFrom()` starts a reader at a
 * place. The target of a reader decides how many rows are handed over at a time.
 *
 * Guarantees:
 * - Order: a reader hands rows over in the order of the source, each once, as a reading or as a skip with a reason.
 * - Repeatability: rows depend on the content and the place alone, never on chunk sizes, pauses or earlier reads.
 *   One exception: a row dated more than a day ahead of the clock is a skip.
 * - Resumption: a reader started at another reader's place hands over exactly the rows that were still to come, as
 *   long as the source continues the fingerprint taken with that place.
 * - One content: fingerprint, details and readers of an open source come from the same content, even if another
 *   content takes its name meanwhile. Rows appended to that content are read too.
 * - Bounds: memory does not grow with the size of a source, and no row is longer than 64 KiB.
 *
 * Not promised:
 * - order by time, or only one reading per series and time: the store removes duplicates
 * - that a source still exists when it is opened, or can be read to its end
 * - a consistent content if a writer overwrites it in place
 *
 * Errors are `AppError`:
 * - `not_found`: the source does not exist, or no longer exists.
 * - `invalid`: the content has a wrong header or damaged compression, or none of its rows can be read.
 * - `unavailable`: the system refused to list, open or read the source; the same call may succeed later.
 */
import type { GpuFacts } from "../../schema/model/gpu.ts";
import type { HolderSet } from "../../schema/model/holder.ts";
import type { Series } from "../../schema/model/reading.ts";

/**
 * Why a row gave no reading. The metric's label and the summary use the same words.
 * - `fields`: not as many fields as the header
 * - `syntax`: not in the source's format
 * - `quote`: a quote where RFC 4180 allows none, or one that never closes
 * - `too_long`: longer than 64 KiB
 * - `encoding`: not UTF-8
 * - `time`: not in a form of FORMATS.md, before 2000, or more than a day ahead of the clock
 * - `uuid`: malformed, all zeros, or absent where host and index do not name the GPU either, or `FORMAT` is 1
 * - `other_device`: about a CPU, an NVSwitch or another device that is no GPU; nothing is wrong with it
 * - `cardinality`: its metric has too many series of this GPU already
 * - `metric`, `labels`: not of the accepted form
 * - `control`: a control character or a mark of text direction in a label, or in a column that describes the GPU or its
 *   owner: terminals and pages that show the value would be misled
 * - `value`: not a number
 * - `blank`: one of DCGM's signs for a missing value
 * - `not_finite`: NaN, infinite or too large for a double
 * - `implausible`: outside the catalogue's range for the metric. Readers hand such a row over as a reading; its target
 *   refuses it
 * - `truncated`: the source ends inside the row; the reader's place stays before it
 */
export type SkipReason =
  | "fields"
  | "quote"
  | "syntax"
  | "too_long"
  | "encoding"
  | "time"
  | "uuid"
  | "other_device"
  | "cardinality"
  | "metric"
  | "labels"
  | "control"
  | "value"
  | "blank"
  | "not_finite"
  | "implausible"
  | "truncated";

/** A source that `find()` has listed but not opened. */
export interface FoundSource {
  /** Equal for the same source in every run and process: the real path of a file. */
  readonly id: string;
  /** For messages, unique among the sources found: the path of a file. */
  readonly name: string;
  /** Stored size: the compressed size of a compressed file. The source may have grown since. */
  readonly bytes: number;
}

/** Identifies the content of a source across runs, by a hash of its beginning. */
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
  /**
   * Grows with every row that has been handed over whole, in a unit of the source: for a file, bytes of its text,
   * decompressed and as UTF-8. 0 is the start.
   */
  readonly offset: number;
  /** Number of the next row's first line, for messages: the header of a CSV file is line 1. */
  readonly line: number;
  /**
   * ms since the epoch of the last time without a zone, if clocks of the source's zone show it twice: the order of rows
   * decides which one the next is. Absent otherwise.
   */
  readonly repeated?: number;
  /** Offset of the part of the source that tells how to read on: a header, a series. Absent: the source's beginning. */
  readonly section?: number;
  /** How many readings of the row at `offset` have been handed over, if there are more of them. Absent: none. */
  readonly taken?: number;
}

/** Receives the rows of a source, in order. Its methods return at once and do not throw. */
export interface RowTarget {
  /**
   * Returns a number for a GPU with these facts, a series, and the holders that its rows name. A negative number
   * declines the combination: its rows give no readings, and no skips for their times and values. Rows may write one
   * combination in several forms, and the method is called at least once for each form, so the same combination must
   * always get the same number.
   */
  slot(facts: GpuFacts, series: Series, holders: HolderSet): number;
  /** Takes a reading. `at`: ms since the epoch. Returns true to stop the reader after this row. */
  add(slot: number, at: number, value: number, line: number): boolean;
  /** Takes a row without a reading. `detail` returns the reason in words, with the value and the accepted values. */
  skip(reason: SkipReason, line: number, detail: () => string): void;
  /** Called at least once for each label that rows of the reader have and that is ignored, up to a bound of labels. */
  ignored(label: string, metric: string): void;
}

export interface RowReader extends AsyncDisposable {
  /**
   * Hands rows to the target until the target says stop or the signal aborts (`stopped`: call again to read on), or
   * until the source ends (`end`: every further call returns `end` too). One call at a time.
   *
   * A last row without its newline counts if it is complete; if more bytes could still belong to it, the reader first
   * waits until the source has not grown for two seconds.
   * @throws AppError `invalid`, `unavailable`, after all rows before the damage, with `place` after the last of them.
   *   `invalid` at the end of a source that was read from its start and has rows, all skipped for their form
   */
  read(target: RowTarget, options: { signal: AbortSignal }): Promise<"stopped" | "end">;
  /** The place after the last row handed over. */
  readonly place: Place;
  /** Bytes of the source, as stored, before the point up to which it has been read. Never decreases. */
  readonly bytesRead: number;
}

/** A source whose content is held open until it is disposed. Dispose its readers first. */
export interface OpenSource extends AsyncDisposable {
  /** Stored size when the source was opened. */
  readonly bytes: number;
  readonly fingerprint: Fingerprint;
  /** For the log: format, compression, columns. */
  readonly details: Readonly<Record<string, string>>;
  /** True if the beginning that `earlier` covers is unchanged: it is the same source, which may have grown. */
  continues(earlier: Fingerprint): boolean;
  /**
   * Starts a reader, independent of others of this source. A place before the first row means the first row. A place
   * after the last row leaves nothing to read.
   * @throws AppError `invalid`, `unavailable` if the content before the place cannot be read
   */
  readFrom(place: Place): Promise<RowReader>;
}

/** The place at which every source starts. */
export const START: Place = { offset: 0, line: 1 };

export interface Sources {
  /** Where `find()` looks, for messages. */
  readonly where: readonly string[];
  /**
   * Returns the sources that exist now, each once and at least one.
   * @throws AppError `not_found`, `invalid`, `unavailable`
   */
  find(): Promise<readonly FoundSource[]>;
  /** @throws AppError `not_found`, `invalid`, `unavailable` */
  open(source: FoundSource): Promise<OpenSource>;
}
