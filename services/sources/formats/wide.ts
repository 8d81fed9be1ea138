/** Wide frames: tables with a column per series. */
import { lacksZone } from "../../../schema/dcgm/time.ts";
import { shown } from "../../../schema/model/shown.ts";
import type { TextFile } from "../bytes/encoding.ts";
import { wholeLineAt } from "../bytes/text-line.ts";
import { REMEDY } from "../csv/row-reader.ts";
import type { Place } from "../port.ts";
import { SeriesSlots } from "../rows/series-slots.ts";
import type { FirstRow } from "../rows/unread-rows.ts";
import { WideFrame } from "../wide/frame.ts";
import { parseWideHeader, parseWideLine, type WideColumns } from "../wide/header.ts";
import { linesOf, readLines } from "./lines.ts";
import { type Format, type FormatOptions, formsFrom } from "./reading.ts";

/** A header names every series: 16,000 of them with all labels. */
const HEADER_BYTES = 4 << 20;

export interface WideStart {
  readonly columns: WideColumns;
  /** Where the first row begins. */
  readonly firstRow: Place;
}

/** Returns the header of a file that is a wide frame. */
export async function findWideHeader(text: TextFile): Promise<WideStart | undefined> {
  const lines = linesOf(text);
  if (lines.length === 0) {
    const { text: line, end } = await wholeLineAt(text, 0, HEADER_BYTES);
    const header = parseWideHeader([line.replace(/^\uFEFF/, "")]);
    return header === undefined ? undefined : { columns: header.columns, firstRow: { offset: end, line: 2 } };
  }
  const header = parseWideHeader(lines.map((line) => line.text));
  if (header === undefined) return undefined;
  const offset = lines[header.lines]?.offset ?? text.beginning.length;
  return { columns: header.columns, firstRow: { offset, line: header.lines + 1 } };
}

/** The first row with its first value. */
function sampleOf(text: TextFile, { columns, firstRow }: WideStart): FirstRow | undefined {
  const line = linesOf(text).find(({ offset }) => offset >= firstRow.offset)?.text;
  const fields = line?.replaceAll('"', "").split(columns.separator);
  if (fields?.length !== columns.count) return undefined;
  const value = columns.measures.map(({ column }) => fields[column] ?? "").find((cell) => cell !== "") ?? "";
  return { line: firstRow.line, time: fields[columns.time] ?? "", value };
}

export function wideFormat(text: TextFile, start: WideStart, options: FormatOptions): Format {
  const { columns, firstRow } = start;
  const format = "wide CSV";
  const sample = sampleOf(text, start);
  const usesZone = sample !== undefined && lacksZone(sample.time);
  return {
    details: {
      format,
      series: `${columns.measures.length} columns`,
      ...(usesZone ? { timeZone: `${options.zone.name} (CSV_TIMEZONE) for times without a zone` } : {}),
    },
    async readFrom(place) {
      const from = place.offset > firstRow.offset ? place : { ...firstRow, taken: place.taken ?? 0 };
      const { section } = from;
      const line = section === undefined ? undefined : await wholeLineAt(text, section, HEADER_BYTES);
      const isWhole = from.offset === firstRow.offset && from.taken === 0;
      const handler = new WideFrame({
        forms: { ...formsFrom(from, options), hasDecimalComma: columns.separator === ";" },
        slots: new SeriesSlots(options.rules),
        columns: (line === undefined ? undefined : parseWideLine(line.text, columns.separator)) ?? columns,
        section,
        untold: isWhole ? firstRow.line - 1 : undefined,
      });
      const traits = [`separator ${shown(columns.separator)}`];
      return readLines(text, from, handler, { ...options, format, isWhole, traits, firstRow: sample, remedy: REMEDY });
    },
  };
}
