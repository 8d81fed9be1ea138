/** The encoding of a file's text, by its byte order mark. Readers see UTF-8, whatever the file holds. */
import { type ByteSource, readBytes } from "./byte-source.ts";
import type { OpenFile } from "./open-file.ts";
import { Utf16Bytes } from "./utf16-bytes.ts";

export type Encoding = "UTF-8" | "UTF-16LE" | "UTF-16BE";

/** How many bytes of its text are looked at to recognise a file: a header is no longer. */
export const BEGINNING_BYTES = 65_536;
const LINE_FEED = 0x0a;

/** A file and the encoding of its decompressed bytes. */
export interface TextFile {
  readonly file: OpenFile;
  readonly encoding: Encoding;
  /** The first `BEGINNING_BYTES` of the text as UTF-8, or all of a shorter one. */
  readonly beginning: Buffer;
  /** True if the text ends with the beginning. */
  readonly isShort: boolean;
}

function encodingOf(bytes: Uint8Array): Encoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "UTF-16LE";
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "UTF-16BE" : "UTF-8";
}

/** Reads the text as UTF-8. Offsets count the bytes of the UTF-8 text. @throws AppError as `readBytes` */
export async function readText(file: OpenFile, encoding: Encoding, offset: number): Promise<ByteSource> {
  if (encoding === "UTF-8") return readBytes(file, offset);
  const bytes = new Utf16Bytes(await readBytes(file, 0), { isBigEndian: encoding === "UTF-16BE" });
  try {
    await bytes.skip(offset);
    return bytes;
  } catch (error) {
    await bytes[Symbol.asyncDispose]();
    throw error;
  }
}

/** Fills the buffer. Damage behind a whole line does not matter here: rows in front of it can be read. */
async function fill(source: ByteSource, bytes: Buffer): Promise<Buffer> {
  let length = 0;
  try {
    while (length < bytes.length) {
      const count = await source.read(bytes, length);
      if (count === 0) break;
      length += count;
    }
  } catch (error) {
    if (!bytes.subarray(0, length).includes(LINE_FEED)) throw error;
  }
  return bytes.subarray(0, length);
}

/** @throws AppError `invalid` for compression that is damaged in the first line, `unavailable` */
export async function openText(file: OpenFile): Promise<TextFile> {
  await using source = await readBytes(file, 0);
  const raw = await fill(source, Buffer.alloc(BEGINNING_BYTES));
  const encoding = encodingOf(raw);
  if (encoding === "UTF-8") {
    return { file, encoding, beginning: raw, isShort: raw.length < BEGINNING_BYTES };
  }
  await using text = await readText(file, encoding, 0);
  const beginning = await fill(text, Buffer.alloc(BEGINNING_BYTES));
  return { file, encoding, beginning, isShort: beginning.length < BEGINNING_BYTES };
}
