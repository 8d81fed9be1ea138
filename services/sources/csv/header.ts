/** Recognises a CSV file by its first line: the separator, and which column holds what. */
import { DCGM_HEADER, type DcgmColumns, parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { AppError } from "../../../schema/model/errors.ts";
import { fail, ok, type Result } from "../../../schema/model/result.ts";
import { shown } from "../../../schema/model/shown.ts";
import { BEGINNING_BYTES, type Encoding, type TextFile } from "../bytes/encoding.ts";
import type { Place } from "../port.ts";
import type { FirstRow } from "../rows/unread-rows.ts";
import { parseRecord, SEPARATORS, type Separator } from "./line-fields.ts";

export interface CsvHeader {
  readonly columns: DcgmColumns;
  readonly separator: Separator;
  readonly encoding: Encoding;
  /** Where the first row begins. */
  readonly firstRow: Place;
  /** The first row as it is written. */
  readonly sample: FirstRow | undefined;
}

const SHOWN_LENGTH = 200;
/** Longer rows are not shown, so that a line of many thousand fields is not parsed for a message. */
const MAX_SAMPLE_LENGTH = 8192;
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);
const LINE_FEED = 0x0a;
/** Spreadsheets write such a line in front of the header. */
const SEPARATOR_LINE = /^"?sep=(.)"?$/;

function refuse({ file, encoding }: TextFile, found: string, why: string): never {
  const text = JSON.stringify(found);
  const line = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
  throw new AppError(
    `Cannot read ${file.path}: its first line must be a DCGM header, but ${why}; expected ${DCGM_HEADER}, ` +
      `found ${line} (encoding ${encoding})`,
    { code: "invalid" },
  );
}

/** The lines of the file's beginning, by number from 1, with the offset after each. */
function* linesOf(beginning: Buffer): Generator<{ line: number; text: string; end: number }> {
  let from = beginning.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  for (let line = 1; from < beginning.length || line === 1; line++) {
    const newline = beginning.indexOf(LINE_FEED, from);
    const to = newline === -1 ? beginning.length : newline;
    yield {
      line,
      text: beginning.toString("utf8", from, to).replace(/\r$/, ""),
      end: Math.min(to + 1, beginning.length),
    };
    from = to + 1;
  }
}

interface Parsed {
  readonly columns: DcgmColumns;
  readonly separator: Separator;
}

/** The error is that of the separator under which the line has the most fields. */
function parseHeader(line: string, separators: readonly Separator[]): Result<Parsed> {
  let best = { fields: 0, error: "a quote is where RFC 4180 has none" };
  for (const separator of separators) {
    const record = parseRecord(line, separator);
    if (record.kind !== "fields") continue;
    const columns = parseDcgmHeader(record.fields);
    if (columns.ok) return ok({ columns: columns.value, separator });
    if (record.fields.length > best.fields) best = { fields: record.fields.length, error: columns.error };
  }
  return fail(best.error);
}

/**
 * Parses the first line of the file, or the second one after `sep=;`.
 * @throws AppError `invalid` for a file without a usable header, showing the expected and the found line
 */
export function readCsvHeader(text: TextFile): CsvHeader {
  const { beginning, encoding } = text;
  const lines = linesOf(beginning);
  let head = lines.next().value as { line: number; text: string; end: number };
  const [, named] = SEPARATOR_LINE.exec(head.text) ?? [];
  const separators = named === undefined ? SEPARATORS : SEPARATORS.filter((one) => one === named);
  if (named !== undefined) head = lines.next().value ?? head;
  if (head.text === "") refuse(text, head.text, beginning.length === 0 ? "the file is empty" : "the line is empty");
  if (head.end === BEGINNING_BYTES && beginning.at(-1) !== LINE_FEED) {
    refuse(text, head.text, `the line is longer than ${BEGINNING_BYTES} bytes`);
  }
  const parsed = parseHeader(head.text, separators);
  if (!parsed.ok) refuse(text, head.text, parsed.error);
  const { columns, separator } = parsed.value;
  const firstRow = { offset: head.end, line: head.line + 1 };
  return { columns, separator, encoding, firstRow, sample: sampleOf(lines, parsed.value) };
}

/** Returns the first line that has all fields. */
function sampleOf(
  lines: Iterable<{ line: number; text: string }>,
  { columns, separator }: Parsed,
): FirstRow | undefined {
  for (const { line, text } of lines) {
    if (text.length > MAX_SAMPLE_LENGTH) continue;
    const record = parseRecord(text, separator);
    if (record.kind !== "fields" || record.fields.length !== columns.names.length) continue;
    const { [columns.timestamp]: time = "", [columns.value]: value = "" } = record.fields;
    return { line, time, value };
  }
  return undefined;
}

/** Describes separator and encoding for messages. */
export const traitsOf = ({ separator, encoding }: CsvHeader): readonly string[] => [
  `separator ${shown(separator)}`,
  `encoding ${encoding}`,
];
