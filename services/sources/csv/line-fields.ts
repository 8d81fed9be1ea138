/** Splits a line into fields: by scanning if the line is plain RFC 4180, otherwise with csv-parse. */
import { CsvError, parse } from "csv-parse/sync";

const QUOTE = 0x22;

/** What may separate the fields of a line, in the order in which a header is tried. */
export const SEPARATORS = [",", ";", "\t", "|"] as const;
export type Separator = (typeof SEPARATORS)[number];

/** Field positions of the last line scanned, for lines whose quotes all follow RFC 4180. */
export class LineFields {
  /** For each field, without its quotes: the index of its first byte, and the index after its last byte. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #escaped: Uint8Array;
  readonly #separator: number;
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** The whole line, decoded when the first field is needed: slices of one string are cheaper than new strings. */
  #line: string | undefined;
  count = 0;
  isAscii = true;
  /** True if a quote closes the last field. */
  isClosed = false;
  /** True if the last field has no bytes at all. */
  isEmpty = false;

  /** @param capacity how many fields a line may have */
  constructor(capacity: number, separator: Separator = ",") {
    this.#separator = separator.charCodeAt(0);
    this.starts = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
    this.#escaped = new Uint8Array(capacity);
  }

  /**
   * Finds the fields of a line. Returns false if a quote is where RFC 4180 has none; the fields are then meaningless.
   * @param most number of fields after which to stop; all properties describe only the fields found
   */
  scan(bytes: Buffer, from: number, to: number, most: number): boolean {
    const separator = this.#separator;
    let at = from;
    let count = 0;
    let bits = 0;
    let closed = false;
    for (;;) {
      let start = at;
      let end = at;
      let escaped = 0;
      closed = at < to && bytes[at] === QUOTE;
      if (closed) {
        start = ++at;
        for (; ; at++) {
          if (at >= to) return false;
          const byte = bytes[at] as number;
          bits |= byte;
          if (byte !== QUOTE) continue;
          if (at + 1 >= to || bytes[at + 1] !== QUOTE) break;
          escaped = 1;
          at++;
        }
        end = at++;
        if (at < to && bytes[at] !== separator) return false;
      } else {
        for (; at < to; at++) {
          const byte = bytes[at] as number;
          if (byte === separator) break;
          if (byte === QUOTE) return false;
          bits |= byte;
        }
        end = at;
      }
      this.starts[count] = start;
      this.ends[count] = end;
      this.#escaped[count] = escaped;
      count++;
      if (at >= to || count === most) break;
      at++;
    }
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#line = undefined;
    this.count = count;
    this.isAscii = bits < 0x80;
    this.isClosed = closed;
    this.isEmpty = !closed && bytes[at - 1] === separator;
    return true;
  }

  text(field: number): string {
    const [start, end] = [this.starts[field] as number, this.ends[field] as number];
    const text = this.isAscii ? this.#asciiText(start, end) : this.#bytes.toString("utf8", start, end);
    return this.#escaped[field] === 1 ? text.replaceAll('""', '"') : text;
  }

  #asciiText(start: number, end: number): string {
    this.#line ??= this.#bytes.toString("latin1", this.#from, this.#to);
    return this.#line.slice(start - this.#from, end - this.#from);
  }

  texts(): string[] {
    return Array.from({ length: this.count }, (_, field) => this.text(field));
  }
}

/** The fields of one record. `open`: a quoted field continues in the next line. `invalid`: a quote is misplaced. */
export type Record = { readonly kind: "fields"; readonly fields: string[] } | { readonly kind: "open" | "invalid" };

/** @param text the line or lines of one record, without the final newline */
export function parseRecord(text: string, separator: Separator = ","): Record {
  try {
    const records: string[][] = parse(text, { delimiter: separator, relax_column_count: true, record_delimiter: "\n" });
    const [fields] = records;
    return fields === undefined || records.length > 1 ? { kind: "invalid" } : { kind: "fields", fields };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { kind: error.code === "CSV_QUOTE_NOT_CLOSED" ? "open" : "invalid" };
  }
}
