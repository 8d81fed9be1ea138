/** Starts readers of CSV files. */
import { type DcgmColumns, parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import { RowTimes } from "../../../schema/dcgm/time.ts";
import { type TimeZone, UTC } from "../../../schema/dcgm/time-zone.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { ByteWindow } from "../bytes/byte-window.ts";
import { readText, type TextFile } from "../bytes/encoding.ts";
import { lineAt } from "../bytes/text-line.ts";
import type { Place, RowReader } from "../port.ts";
import { CHUNK_BYTES, WindowRowReader } from "../rows/row-reader.ts";
import { UnreadRows } from "../rows/unread-rows.ts";
import { type CsvHeader, traitsOf } from "./header.ts";
import { parseRecord } from "./line-fields.ts";
import { LineReader } from "./line-reader.ts";
import type { ShapeLimits } from "./row-parts.ts";

/**
 * - `clock`: gives the latest time that a row may have, and measures waits
 * - `rules`: decide what the labels of a row mean
 * - `zone`: of times that do not name theirs; default UTC
 * - `mayBeUnreadable`: a file of which no row can be read is no failure; default false
 * - `chunkBytes`: how much is read at a time, and at most ahead; default 2 MiB
 * - `shapes`: how many row shapes the reader remembers; default 100,000 in 64 MiB
 */
export interface RowReaderOptions {
  readonly clock: Clock;
  readonly rules: LabelRules;
  readonly zone?: TimeZone;
  readonly mayBeUnreadable?: boolean;
  readonly chunkBytes?: number;
  readonly shapes?: ShapeLimits;
}

const SHAPE_LIMITS: ShapeLimits = { shapes: 100_000, bytes: 67_108_864 };

/** How a table can be written so that it is read. */
export const REMEDY =
  'write times as 2025-07-18T20:42:34Z, 2025-07-18 20:42:34 (in CSV_TIMEZONE) or Unix seconds, numbers as 1234.5 (with the separator ";" also as 1234,5), and save the file as CSV in UTF-8';

/** The columns of the section that begins with the line at an offset. */
async function columnsAt(text: TextFile, section: number, header: CsvHeader): Promise<DcgmColumns> {
  const record = parseRecord(await lineAt(text, section), header.separator);
  const columns = record.kind === "fields" ? parseDcgmHeader(record.fields) : undefined;
  return columns?.ok ? columns.value : header.columns;
}

/**
 * Starts a reader at a place.
 * - A line inside the file that is a header begins a section with columns of its own.
 * - Rows follow RFC 4180, but a quote that never closes makes only its own line a skip.
 * - A last line without a newline is a row if it parses whole. Unless a quote closes it, it is taken only if the file
 *   does not grow for two seconds, and never after a separator.
 * - A row that is cut short is skipped as `truncated`. `place` stays before it, so that a later read finds it whole.
 * - Where the separator is `;`, numbers may have a decimal comma.
 * @throws AppError `invalid`, `unavailable` if the content before the place cannot be read
 */
export async function readCsvRows(
  text: TextFile,
  header: CsvHeader,
  from: Place,
  {
    clock,
    rules,
    zone = UTC,
    mayBeUnreadable = false,
    chunkBytes = CHUNK_BYTES,
    shapes = SHAPE_LIMITS,
  }: RowReaderOptions,
): Promise<RowReader> {
  const { separator, firstRow } = header;
  const start = from.offset > firstRow.offset ? from : firstRow;
  const source = await readText(text.file, text.encoding, start.offset);
  const window = new ByteWindow(source, start.offset, { chunkBytes });
  const columns = start.section === undefined ? header.columns : await columnsAt(text, start.section, header);
  const forms = {
    layout: { columns, rules },
    times: new RowTimes(zone, start.repeated),
    separator,
    hasDecimalComma: separator === ";",
  };
  const parser = new LineReader(window, forms, start, shapes);
  const found = { name: text.file.path, traits: traitsOf(header), firstRow: header.sample, remedy: REMEDY };
  const unread = mayBeUnreadable ? undefined : new UnreadRows(found, start === firstRow);
  return new WindowRowReader({ source, window, parser, unread, clock });
}
