/** What the formats have in common: options, and readers over a window of a file's text. */
import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import { RowTimes } from "../../../schema/dcgm/time.ts";
import type { TimeZone } from "../../../schema/dcgm/time-zone.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { ByteWindow } from "../bytes/byte-window.ts";
import { readText, type TextFile } from "../bytes/encoding.ts";
import type { Place, RowReader } from "../port.ts";
import type { RowForms } from "../rows/row-delivery.ts";
import type { RowParser } from "../rows/row-parser.ts";
import { CHUNK_BYTES, WindowRowReader } from "../rows/row-reader.ts";
import { type Found, UnreadRows } from "../rows/unread-rows.ts";

/**
 * - `clock`: gives the latest time that a row may have, and measures waits
 * - `rules`: decide what the labels of a row mean
 * - `zone`: of times that do not name theirs
 * - `host`: of GPUs in files that name none; undefined: the file's name
 * - `chunkBytes`: how much is read at a time, and at most ahead; default 2 MiB
 */
export interface FormatOptions {
  readonly clock: Clock;
  readonly rules: LabelRules;
  readonly zone: TimeZone;
  readonly host: string | undefined;
  readonly chunkBytes?: number;
}

/** How a file is read. */
export interface Format {
  /** For the log. */
  readonly details: Readonly<Record<string, string>>;
  readFrom(place: Place): Promise<RowReader>;
}

export const formsFrom = ({ repeated }: Place, { zone }: FormatOptions): RowForms => ({
  times: new RowTimes(zone, repeated),
  hasDecimalComma: false,
});

const REMEDY = "check that the file is what the program has printed, whole and unchanged";

export type WindowOptions = { readonly format: string; readonly isWhole: boolean } & Partial<Omit<Found, "name">> &
  Pick<FormatOptions, "clock" | "chunkBytes">;

/**
 * Opens a window at an offset of the text, and reads it with the parser.
 * @param options.isWhole true if reading starts at the file's beginning
 * @param options.traits further ones, for messages
 */
export async function readWindow(
  text: TextFile,
  offset: number,
  parserOf: (window: ByteWindow) => RowParser,
  { format, isWhole, traits = [], firstRow, remedy = REMEDY, clock, chunkBytes = CHUNK_BYTES }: WindowOptions,
): Promise<RowReader> {
  const { file, encoding } = text;
  const source = await readText(file, encoding, offset);
  const window = new ByteWindow(source, offset, { chunkBytes });
  const all = [`format ${format}`, `encoding ${encoding}`, ...traits];
  const unread = new UnreadRows({ name: file.path, traits: all, firstRow, remedy }, isWhole);
  return new WindowRowReader({ source, window, parser: parserOf(window), unread, clock });
}
