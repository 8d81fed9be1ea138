/** Reads one line of a text again: a header or a series that a place names. */
import { BEGINNING_BYTES, readText, type TextFile } from "./encoding.ts";

const LINE_FEED = 0x0a;

/** Returns the line that begins at an offset, without its newline; at most `BEGINNING_BYTES` of it. */
export async function lineAt({ file, encoding }: TextFile, offset: number): Promise<string> {
  await using source = await readText(file, encoding, offset);
  const bytes = Buffer.alloc(BEGINNING_BYTES);
  let length = 0;
  while (length < bytes.length && !bytes.subarray(0, length).includes(LINE_FEED)) {
    const count = await source.read(bytes, length);
    if (count === 0) break;
    length += count;
  }
  const [line = ""] = bytes.toString("utf8", 0, length).split(/\r?\n/, 1);
  return line;
}
