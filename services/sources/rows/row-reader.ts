/** Reads the rows of a source from a place on, in order and with bounded memory, whatever their format. */
import { lastRowTime } from "../../../schema/dcgm/time.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import type { ByteWindow } from "../bytes/byte-window.ts";
import type { Place, RowReader, RowTarget } from "../port.ts";
import type { RowParser } from "./row-parser.ts";
import type { UnreadRows } from "./unread-rows.ts";

/** How much is read at a time, and at most ahead. */
export const CHUNK_BYTES = 2_097_152;

/** If a file has not grown for this long, the reader stops waiting for the rest of its last row. */
const GROWTH_WAIT_MS = 2000;

export interface RowReaderParts {
  readonly source: ByteSource;
  readonly window: ByteWindow;
  readonly parser: RowParser;
  /** Undefined if a source without a readable row is no failure. */
  readonly unread: UnreadRows | undefined;
  readonly clock: Clock;
}

/** Owns the window, and through it the source. */
export class WindowRowReader implements RowReader {
  readonly #parts: RowReaderParts;
  #finished = false;
  /** Where the file ended when the reader last waited for it to grow. */
  #waitedAt = -1;

  constructor(parts: RowReaderParts) {
    this.#parts = parts;
  }

  get place(): Place {
    return this.#parts.parser.place;
  }

  get bytesRead(): number {
    return this.#parts.source.bytesRead;
  }

  async read(given: RowTarget, { signal }: { signal: AbortSignal }): Promise<"stopped" | "end"> {
    const { window, parser, unread, clock } = this.#parts;
    const target = unread?.watch(given) ?? given;
    while (!this.#finished) {
      if (signal.aborted) return "stopped";
      const lastTime = lastRowTime(clock.now());
      if (parser.read(target, lastTime)) return "stopped";
      if (!window.ended) {
        await window.fill();
      } else if (!(await this.#mayHaveGrown(signal))) {
        const stop = parser.readLast(target, lastTime);
        // The target may have stopped inside the last row: the next call hands over its other readings.
        this.#finished = !stop || parser.place.taken === undefined;
        if (stop) return "stopped";
      }
    }
    unread?.atEnd();
    return "end";
  }

  /** Gives a writer time to finish the last row. Returns true if the reader must look for more bytes. */
  async #mayHaveGrown(signal: AbortSignal): Promise<boolean> {
    const { window, source, parser, clock } = this.#parts;
    const end = window.offsetOf(window.end);
    if (window.start === window.end || end === this.#waitedAt || parser.isLastClosed()) return false;
    const modifiedAt = await source.modifiedAt();
    if (modifiedAt === null || clock.now() - modifiedAt > GROWTH_WAIT_MS) return false;
    await clock.sleep(GROWTH_WAIT_MS, { signal });
    if (!signal.aborted) this.#waitedAt = end;
    window.lookAgain();
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.window[Symbol.asyncDispose]();
  }
}
