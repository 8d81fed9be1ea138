/** Reads formats whose rows are lines, or parts of a line. */
import { isUtf8 } from "node:buffer";
import type { ByteWindow } from "../bytes/byte-window.ts";
import type { Place, RowTarget, SkipReason } from "../port.ts";
import type { RowParser } from "./row-parser.ts";
import { BAD_ENCODING, MAX_RECORD_BYTES, newlineFrom, TOO_LONG, TRUNCATED, withoutReturn } from "./window-lines.ts";

export interface TextLine {
  readonly text: string;
  readonly line: number;
  readonly offset: number;
}

/** Knows what one line means. */
export interface LineHandler {
  /** What a reader that continues after the last line must know, as parts of its place. */
  readonly context: Pick<Place, "section" | "repeated">;
  /** How many readings of the line have been handed over, if the target said stop in front of others; otherwise 0. */
  readonly taken: number;
  /** Hands over the readings of a line after the first `taken` ones. Returns true if the target says stop. */
  handle(target: RowTarget, line: TextLine, taken: number, lastTime: number): boolean;
  /** True if a line without a newline is whole for certain: another byte would make it a line of another form. */
  isWhole(text: string, lastTime: number): boolean;
}

export class TextLines implements RowParser {
  readonly #window: ByteWindow;
  readonly #handler: LineHandler;
  #line: number;
  #taken: number;
  #tooLongFrom: number | undefined;

  constructor(window: ByteWindow, handler: LineHandler, { line, taken = 0 }: Place) {
    this.#window = window;
    this.#handler = handler;
    this.#line = line;
    this.#taken = taken;
  }

  get place(): Place {
    const offset = this.#tooLongFrom ?? this.#window.offsetOf(this.#window.start);
    const taken = this.#taken === 0 ? {} : { taken: this.#taken };
    return { offset, line: this.#line, ...taken, ...this.#handler.context };
  }

  read(target: RowTarget, lastTime: number): boolean {
    const window = this.#window;
    for (;;) {
      const { start, end } = window;
      const newline = newlineFrom(window, start);
      if (newline === -1) {
        if (end - start > MAX_RECORD_BYTES) {
          this.#tooLongFrom ??= window.offsetOf(start);
          window.start = end;
        }
        return false;
      }
      const isTooLong = this.#tooLongFrom !== undefined || newline - start > MAX_RECORD_BYTES;
      this.#tooLongFrom = undefined;
      if (isTooLong) this.#skip(target, newline, "too_long", TOO_LONG);
      else if (this.#take(target, withoutReturn(window, newline), newline + 1, lastTime)) return true;
    }
  }

  #take(target: RowTarget, end: number, next: number, lastTime: number): boolean {
    const window = this.#window;
    const { bytes, start } = window;
    const raw = bytes.subarray(start, end);
    if (!isUtf8(raw)) {
      this.#skip(target, next - 1, "encoding", BAD_ENCODING);
      return false;
    }
    const line = { text: raw.toString("utf8"), line: this.#line, offset: window.offsetOf(start) };
    const stop = this.#handler.handle(target, line, this.#taken, lastTime);
    this.#taken = this.#handler.taken;
    if (this.#taken > 0) return true;
    window.start = next;
    // The newline of a last line has not been written yet, so the line number stays.
    if (next > end) this.#line++;
    return stop;
  }

  isLastClosed(): boolean {
    return false;
  }

  readLast(target: RowTarget, lastTime: number): boolean {
    const window = this.#window;
    if (this.#tooLongFrom !== undefined) {
      target.skip("too_long", this.#line, TOO_LONG);
      return false;
    }
    const end = withoutReturn(window, window.end);
    if (end === window.start) return false;
    const raw = window.bytes.subarray(window.start, end);
    if (!isUtf8(raw) || !this.#handler.isWhole(raw.toString("utf8"), lastTime)) {
      target.skip("truncated", this.#line, TRUNCATED);
      return false;
    }
    return this.#take(target, end, window.end, lastTime);
  }

  #skip(target: RowTarget, newline: number, reason: SkipReason, detail: () => string): void {
    const line = this.#line;
    this.#window.start = newline + 1;
    this.#line++;
    this.#taken = 0;
    target.skip(reason, line, detail);
  }
}
