/** Takes rows from the front of a window. Each becomes a reading or a skip; a bad row does not affect good rows. */
import { isUtf8 } from "node:buffer";
import type { ByteWindow } from "../bytes/byte-window.ts";
import type { Place, RowTarget, SkipReason } from "../port.ts";
import { declined, deliverReading, deliverRow, isWhole, type RowBounds, slotOf } from "../rows/row-delivery.ts";
import type { RowParser } from "../rows/row-parser.ts";
import {
  BAD_ENCODING,
  MAX_RECORD_BYTES,
  newlineFrom,
  TOO_LONG,
  TRUNCATED,
  withoutReturn,
} from "../rows/window-lines.ts";
import type { CsvForms } from "./forms.ts";
import { LineFields, parseRecord } from "./line-fields.ts";
import type { RowParts, ShapeLimits } from "./row-parts.ts";
import { RowShapes } from "./row-shapes.ts";
import { Section } from "./section.ts";

/** How many lines a record with newlines in quotes may span. A quote that is still open after them counts as stray. */
const MAX_RECORD_LINES = 8;

const MAX_FIELDS = MAX_RECORD_BYTES + 1;
const BAD_QUOTE = () =>
  `quotes must enclose whole fields (RFC 4180) and close within ${MAX_RECORD_LINES} lines, got one that does not`;

export class LineReader implements RowParser {
  readonly #window: ByteWindow;
  readonly #forms: CsvForms;
  readonly #fields: LineFields;
  readonly #shapes: RowShapes;
  readonly #section: Section;
  #line: number;
  /** Offset of the current line if it is too long and its end has not been read yet. */
  #tooLongFrom: number | undefined;

  constructor(window: ByteWindow, forms: CsvForms, { line, section }: Place, limits: ShapeLimits) {
    this.#window = window;
    this.#forms = forms;
    this.#fields = new LineFields(MAX_FIELDS, forms.separator);
    this.#line = line;
    this.#section = new Section(forms.layout, section);
    this.#shapes = new RowShapes(limits, {
      isTimeFirst: this.#section.isTimeFirst,
      isUtc: forms.times.isUtc,
      hasDecimalComma: forms.hasDecimalComma,
    });
  }

  get place(): Place {
    const { repeated } = this.#forms.times;
    const offset = this.#tooLongFrom ?? this.#window.offsetOf(this.#window.start);
    return { offset, line: this.#line, ...(repeated === undefined ? {} : { repeated }), ...this.#section.context };
  }

  /**
   * Reads until the target says stop (true) or the window holds no further whole line (false).
   * @param lastTime latest time a row may have, ms since the epoch
   */
  read(target: RowTarget, lastTime: number): boolean {
    for (;;) {
      // Inside a line that is too long, nothing is a row, even if it looks like one.
      if (this.#tooLongFrom === undefined) {
        const stop = this.#shapes.follow(this.#window, target, this.#line, lastTime);
        this.#line += this.#shapes.rows;
        if (stop) return true;
      }
      const outcome = this.#next(target, lastTime);
      if (outcome !== "read") return outcome === "stop";
    }
  }

  #next(target: RowTarget, lastTime: number): "read" | "stop" | "more" {
    const window = this.#window;
    const { bytes, start } = window;
    const newline = newlineFrom(this.#window, start);
    if (newline === -1) {
      if (window.end - start > MAX_RECORD_BYTES) {
        this.#tooLongFrom ??= window.offsetOf(start);
        window.start = window.end;
      }
      return "more";
    }
    if (this.#tooLongFrom !== undefined || newline - start > MAX_RECORD_BYTES) {
      return this.#skip(target, newline, "too_long", TOO_LONG);
    }
    const end = withoutReturn(this.#window, newline);
    if (end === start) {
      this.#advance(newline, 1);
      return "read";
    }
    let parts: RowParts | undefined;
    if (this.#fields.scan(bytes, start, end, this.#section.needed)) {
      parts = this.#parts(newline + 1);
      const slot = parts === undefined ? undefined : this.#shapes.read(window, parts, lastTime);
      if (slot !== undefined) {
        const line = this.#line;
        this.#advance(newline, 1);
        return this.#shapes.give(target, slot, bytes, line) ? "stop" : "read";
      }
    }
    if (!this.#fields.scan(bytes, start, end, MAX_FIELDS)) return this.#record(target, newline, lastTime);
    if (!this.#fields.isAscii && !isUtf8(bytes.subarray(start, end))) {
      return this.#skip(target, newline, "encoding", BAD_ENCODING);
    }
    const line = this.#line;
    this.#advance(newline, 1);
    if (parts !== undefined && this.#fields.count === this.#section.columns.names.length) {
      return this.#shapedRow(target, parts, line, lastTime) ? "stop" : "read";
    }
    const texts = this.#fields.texts();
    if (this.#beginsSection(texts, window.offsetOf(start))) return "read";
    return deliverRow(target, this.#section.identities, texts, line, this.#bounds(lastTime)) ? "stop" : "read";
  }

  /** Returns the parts of the line scanned; undefined if its fields do not include both time and value. */
  #parts(end: number): RowParts | undefined {
    const { starts, ends, count } = this.#fields;
    const { timestamp, value } = this.#section.columns;
    if (count < this.#section.needed) return undefined;
    const [first, second] = this.#section.isTimeFirst ? [timestamp, value] : [value, timestamp];
    return {
      start: this.#window.start,
      firstStart: starts[first] as number,
      firstEnd: ends[first] as number,
      secondStart: starts[second] as number,
      secondEnd: ends[second] as number,
      end,
    };
  }

  #shapedRow(target: RowTarget, parts: RowParts, line: number, lastTime: number): boolean {
    const { bytes, view } = this.#window;
    let slot = this.#shapes.find(view, parts);
    if (slot === undefined) {
      const texts = this.#fields.texts();
      if (this.#beginsSection(texts, this.#window.offsetOf(parts.start))) return false;
      slot = slotOf(target, this.#section.identities, texts, line);
      if (slot === undefined) return false;
      this.#shapes.learn(bytes, view, parts, slot);
    }
    const time = this.#fields.text(this.#section.columns.timestamp);
    if (slot < 0) return declined(time, this.#bounds(lastTime));
    this.#shapes.learnTime(time);
    if (this.#shapes.readParts(this.#window, parts, lastTime)) return this.#shapes.give(target, slot, bytes, line);
    const texts = { time, value: this.#fields.text(this.#section.columns.value) };
    return deliverReading(target, slot, texts, line, this.#bounds(lastTime));
  }

  #beginsSection(texts: readonly string[], offset: number): boolean {
    const begun = this.#section.begin(texts, offset);
    if (begun === "other") this.#shapes.restart(this.#section);
    return begun !== null;
  }

  /** Reads a line with unusual quotes: csv-parse decides whether it is a record, alone or with the lines after it. */
  #record(target: RowTarget, firstNewline: number, lastTime: number): "read" | "stop" | "more" {
    const { bytes, start, end, ended } = this.#window;
    let newline = firstNewline;
    for (let lines = 1; ; lines++) {
      const text = bytes.subarray(start, withoutReturn(this.#window, newline));
      if (!isUtf8(text)) {
        const first = newline === firstNewline;
        return this.#skip(target, firstNewline, first ? "encoding" : "quote", first ? BAD_ENCODING : BAD_QUOTE);
      }
      const record = parseRecord(text.toString("utf8"), this.#forms.separator);
      if (record.kind === "fields") {
        const line = this.#line;
        this.#advance(newline, lines);
        return deliverRow(target, this.#section.identities, record.fields, line, this.#bounds(lastTime))
          ? "stop"
          : "read";
      }
      newline = record.kind === "open" && lines < MAX_RECORD_LINES ? newlineFrom(this.#window, newline + 1) : -1;
      const isHopeless = record.kind === "invalid" || lines === MAX_RECORD_LINES || ended;
      if (newline === -1 && !isHopeless && end - start <= MAX_RECORD_BYTES) return "more";
      if (newline === -1 || newline - start > MAX_RECORD_BYTES) {
        return this.#skip(target, firstNewline, "quote", BAD_QUOTE);
      }
    }
  }

  /** True if the unfinished last line is a whole row and ends with a quote, so no further byte can belong to it. */
  isLastClosed(): boolean {
    return this.#tooLongFrom === undefined && this.#scanLast() && this.#fields.isClosed && this.#identifyLast();
  }

  /**
   * Reads what follows the last newline of the file: a row if it parses whole, otherwise a skip that leaves `place`
   * before it. Returns true if the target says stop.
   */
  readLast(target: RowTarget, lastTime: number): boolean {
    const window = this.#window;
    if (this.#tooLongFrom !== undefined) {
      target.skip("too_long", this.#line, TOO_LONG);
      return false;
    }
    if (withoutReturn(this.#window, window.end) === window.start) return false;
    const texts = this.#scanLast() && !this.#fields.isEmpty && this.#identifyLast() ? this.#fields.texts() : [];
    const { timestamp, value } = this.#section.columns;
    const bounds = this.#bounds(lastTime);
    if (!isWhole({ time: texts[timestamp] ?? "", value: texts[value] ?? "" }, bounds)) {
      target.skip("truncated", this.#line, TRUNCATED);
      return false;
    }
    // The newline of this line has not been written yet, so the line number stays.
    window.start = window.end;
    return deliverRow(target, this.#section.identities, texts, this.#line, bounds);
  }

  #bounds(lastTime: number): RowBounds {
    return { ...this.#forms, lastTime };
  }

  #scanLast(): boolean {
    const { bytes, start, end } = this.#window;
    const to = withoutReturn(this.#window, end);
    return (
      this.#fields.scan(bytes, start, to, MAX_FIELDS) && (this.#fields.isAscii || isUtf8(bytes.subarray(start, to)))
    );
  }

  #identifyLast(): boolean {
    return this.#section.identities.of(this.#fields.texts()).ok;
  }

  #skip(target: RowTarget, newline: number, reason: SkipReason, detail: () => string): "read" {
    const line = this.#line;
    this.#advance(newline, 1);
    this.#tooLongFrom = undefined;
    target.skip(reason, line, detail);
    return "read";
  }

  #advance(newline: number, lines: number): void {
    this.#window.start = newline + 1;
    this.#line += lines;
  }
}
