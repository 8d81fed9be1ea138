/** Reads the first line of a DCGM CSV file. */
import { DCGM_HEADER, type DcgmColumns, parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { AppError } from "../../../schema/model/errors.ts";
import { readBytes } from "../bytes/byte-source.ts";
import type { OpenFile } from "../bytes/open-file.ts";
import type { Place } from "../port.ts";
import { parseRecord } from "./line-fields.ts";

export interface CsvHeader {
  readonly columns: DcgmColumns;
  readonly firstRow: Place;
}

const MAX_HEADER_BYTES = 65_536;
const SHOWN_LENGTH = 200;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
const LINE_FEED = 0x0a;

function refuse(path: string, found: string, why: string): never {
  const text = JSON.stringify(found);
  const shown = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
  throw new AppError(
    `Cannot read ${path}: its first line must be a DCGM header, but ${why}; expected ${DCGM_HEADER}, found ${shown}`,
    { code: "invalid" },
  );
}

/** Returns the decompressed beginning of the file: past its first line feed, or as many bytes as a header may have. */
async function readBeginning(file: OpenFile): Promise<Buffer> {
  if (file.compression === "none") return file.head.subarray(0, MAX_HEADER_BYTES);
  await using source = await readBytes(file, 0);
  const bytes = Buffer.alloc(MAX_HEADER_BYTES);
  let length = 0;
  while (length < bytes.length && !bytes.subarray(0, length).includes(LINE_FEED)) {
    const count = await source.read(bytes, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/**
 * Parses the first line of the file.
 * @throws AppError `invalid` for a file without a usable header, showing the expected and the found line, or for
 *   damaged compression; `unavailable` when the file cannot be read
 */
export async function readCsvHeader(file: OpenFile): Promise<CsvHeader> {
  const bytes = await readBeginning(file);
  const from = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? BYTE_ORDER_MARK.length : 0;
  const newline = bytes.indexOf(LINE_FEED);
  const end = newline === -1 ? bytes.length : newline;
  const line = bytes.toString("utf8", from, end).replace(/\r$/, "");
  if (line === "") refuse(file.path, line, bytes.length === 0 ? "the file is empty" : "the line is empty");
  if (newline === -1 && bytes.length === MAX_HEADER_BYTES) {
    refuse(file.path, line, `the line is longer than ${MAX_HEADER_BYTES} bytes`);
  }
  const record = parseRecord(line);
  if (record.kind !== "fields") refuse(file.path, line, "a quote is where RFC 4180 has none");
  const columns = parseDcgmHeader(record.fields);
  if (!columns.ok) refuse(file.path, line, columns.error);
  return { columns: columns.value, firstRow: { offset: Math.min(end + 1, bytes.length), line: 2 } };
}
