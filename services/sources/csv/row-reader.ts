/** Reads the rows of one open DCGM CSV file into a target, from any row on, in bounded memory. */
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import { lastRowTime, RowTimes } from "../../../schema/dcgm/time.ts";
import { type TimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { type ByteSource, readBytes } from "../bytes/byte-source.ts";
import { ByteWindow } from "../bytes/byte-window.ts";
import type { OpenFile } from "../bytes/open-file.ts";
import type { Place, RowReader, RowTarget } from "../port.ts";
import type { CsvHeader } from "./header.ts";
import { LineReader } from "./line-reader.ts";
import type { ShapeLimits } from "./row-shapes.ts";

/**
 * - `clock`: gives the latest time that a row may have, and measures waits
 * - `rules`: decide what the labels of a row mean
 * - `zone`: of times that do not name theirs; default UTC
 * - `chunkBytes`: how much is read at a time, and at most ahead; default 2 MiB
 * - `shapes`: how many row shapes the reader remembers; default 100,000 in 64 MiB
 */
export interface RowReaderOptions {
  readonly clock: Clock;
  readonly rules: LabelRules;
  readonly zone?: TimeZone;
  readonly chunkBytes?: number;
  readonly shapes?: ShapeLimits;
}

const CHUNK_BYTES = 2_097_152;
const SHAPE_LIMITS: ShapeLimits = { shapes: 100_000, bytes: 67_108_864 };

/** If a file has not grown for this long, the reader stops waiting for the rest of its last row. */
const GROWTH_WAIT_MS = 2000;

class CsvRowReader implements RowReader {
  readonly #source: ByteSource;
  readonly #window: ByteWindow;
  readonly #lines: LineReader;
  readonly #clock: Clock;
  #finished = false;
  /** Where the file ended when the reader last waited for it to grow. */
  #waitedAt = -1;

  constructor(source: ByteSource, window: ByteWindow, lines: LineReader, clock: Clock) {
    this.#source = source;
    this.#window = window;
    this.#lines = lines;
    this.#clock = clock;
  }

  get place(): Place {
    return this.#lines.place;
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
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

  /** Gives a writer time to finish the last row. Returns true if the reader must look for more bytes. */
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

/**
 * Starts a reader at a place.
 * - Rows follow RFC 4180, but a quote that never closes makes only its own line a skip.
 * - A last line without a newline is a row if it parses whole. Unless a quote closes it, it is taken only if the file
 *   does not grow for two seconds, and never after a comma.
 * - A row that is cut short is skipped as `truncated`. `place` stays before it, so that a later read finds it whole.
 * @throws AppError `invalid`, `unavailable` if the content before the place cannot be read
 */
export async function readCsvRows(
  file: OpenFile,
  { columns, firstRow }: CsvHeader,
  from: Place,
  { clock, rules, zone = UTC, chunkBytes = CHUNK_BYTES, shapes = SHAPE_LIMITS }: RowReaderOptions,
): Promise<RowReader> {
  const start = from.offset > firstRow.offset ? from : firstRow;
  const source = await readBytes(file, start.offset);
  const window = new ByteWindow(source, start.offset, { chunkBytes });
  const form = { layout: { columns, rules }, times: new RowTimes(zone, start.repeated) };
  return new CsvRowReader(source, window, new LineReader(window, form, start.line, shapes), clock);
}
