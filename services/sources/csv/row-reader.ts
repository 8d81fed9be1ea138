/** Reads one DCGM CSV file row by row into a target, from any row on, in bounded memory. */
import { lastRowTime } from "../../../schema/dcgm/row.ts";
import { type Clock, systemClock } from "../../platform/process/clock.ts";
import { type ByteSource, openBytes } from "../bytes/byte-source.ts";
import { ByteWindow } from "../bytes/byte-window.ts";
import type { SourceFile } from "../files/source-files.ts";
import type { RowPlace, RowReader, RowTarget } from "../port.ts";
import { readCsvHeader } from "./header.ts";
import { LineReader } from "./line-reader.ts";
import type { ShapeLimits } from "./row-shapes.ts";

export interface RowsOptions {
  /** Where to begin; absent, or before the first row: at the first row. */
  readonly from?: RowPlace | undefined;
  readonly clock?: Clock;
  /** Read at a time, and ahead of need. */
  readonly chunkBytes?: number;
  /** What is remembered of rows to read their like faster. */
  readonly shapes?: ShapeLimits;
}

/** How long a file must not have grown for a last row that may not be whole to be taken as it is. */
const GROWTH_WAIT_MS = 2000;

class FileRows implements RowReader {
  readonly #source: ByteSource;
  readonly #window: ByteWindow;
  readonly #lines: LineReader;
  readonly #clock: Clock;
  readonly #headerBytes: number;
  #finished = false;
  /** Where the file ended when it was last waited for. */
  #waitedAt = -1;

  /** @param headerBytes of the file in front of what the source gives, where this reader took them in */
  constructor(source: ByteSource, window: ByteWindow, lines: LineReader, clock: Clock, headerBytes: number) {
    this.#source = source;
    this.#window = window;
    this.#lines = lines;
    this.#clock = clock;
    this.#headerBytes = headerBytes;
  }

  get place(): RowPlace {
    return this.#lines.place;
  }

  get bytesRead(): number {
    return this.#headerBytes + this.#source.bytesRead;
  }

  async read(target: RowTarget, { signal }: { signal: AbortSignal }): Promise<"stopped" | "end"> {
    const window = this.#window;
    while (!this.#finished) {
      if (signal.aborted) return "stopped";
      const lastTime = lastRowTime(this.#clock.now());
      if (this.#lines.read(target, lastTime)) return "stopped";
      if (!window.ended) {
        await window.fill();
      } else if (!(await this.#mayHaveGrown(signal))) {
        this.#finished = true;
        if (this.#lines.readLast(target, lastTime)) return "stopped";
      }
    }
    return "end";
  }

  /** Gives a writer that may be in the middle of the last row the time to finish it; true: look again. */
  async #mayHaveGrown(signal: AbortSignal): Promise<boolean> {
    const window = this.#window;
    const end = window.offsetOf(window.end);
    if (window.start === window.end || end === this.#waitedAt || this.#lines.isLastClosed()) return false;
    const modifiedAt = await this.#source.modifiedAt();
    if (modifiedAt === null || this.#clock.now() - modifiedAt > GROWTH_WAIT_MS) return false;
    await this.#clock.sleep(GROWTH_WAIT_MS, { signal });
    if (!signal.aborted) this.#waitedAt = end;
    window.lookAgain();
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#window[Symbol.asyncDispose]();
  }
}

const CHUNK_BYTES = 2_097_152;
const SHAPE_LIMITS: ShapeLimits = { shapes: 100_000, bytes: 67_108_864 };

/**
 * The rows of a file in its order, each given to the target once: a reading or a skip. Rows are told apart by RFC 4180,
 * but a quote that never closes costs its own line only. A last line without a newline is a row when it parses whole;
 * unless a quote closes it, it is taken only when the file does not grow for two seconds, and never behind a comma. A
 * row that is cut short is skipped as `truncated`, and `place` stays before it, so that reading on later finds it whole.
 *
 * `read()` answers an aborted signal with `stopped`. It throws AppError `invalid` where compressed data is damaged or
 * cut short, after all whole rows before that, and `unavailable` when the file cannot be read on.
 * @throws AppError `invalid` for a wrong, missing or empty header, showing expected and found; `not_found`
 */
export async function openRows(file: SourceFile, options: RowsOptions = {}): Promise<RowReader> {
  const { clock = systemClock, chunkBytes = CHUNK_BYTES, shapes = SHAPE_LIMITS } = options;
  const { columns, firstRow } = await readCsvHeader(file);
  const { from = firstRow } = options;
  const isResumed = from.offset > firstRow.offset;
  const start = isResumed ? from : firstRow;
  const source = await openBytes(file, start.offset);
  const window = new ByteWindow(source, start.offset, { chunkBytes });
  const headerBytes = file.compression === "none" && !isResumed ? firstRow.offset : 0;
  return new FileRows(source, window, new LineReader(window, columns, start.line, shapes), clock, headerBytes);
}
