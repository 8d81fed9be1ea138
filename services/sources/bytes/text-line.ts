/** Reads one line of a text again: a header or a series that a place names. */
import { BEGINNING_BYTES, readText, type TextFile } from "./encoding.ts";

const LINE_FEED = 0x0a;
const STEP_BYTES = 65_536;

export interface LineOfText {
  /** Without its newline. */
  readonly text: string;
  /** Where the next line begins. */
  readonly end: number;
}

/** Returns the line that begins at an offset, at most so many bytes of it. */
export async function wholeLineAt({ file, encoding }: TextFile, offset: number, most: number): Promise<LineOfText> {
  await using source = await readText(file, encoding, offset);
  const parts: Buffer[] = [];
  let length = 0;
  let isEnded = false;
  while (length < most && !isEnded) {
    const bytes = Buffer.alloc(Math.min(STEP_BYTES, most - length));
    const count = await source.read(bytes, 0);
    if (count === 0) break;
    const newline = bytes.subarray(0, count).indexOf(LINE_FEED);
    isEnded = newline !== -1;
    parts.push(bytes.subarray(0, isEnded ? newline : count));
    length += isEnded ? newline + 1 : count;
  }
  return { text: Buffer.concat(parts).toString("utf8").replace(/\r$/, ""), end: offset + length };
}

/** Returns the line that begins at an offset, without its newline; at most `BEGINNING_BYTES` of it. */
export const lineAt = async (text: TextFile, offset: number): Promise<string> =>
  (await wholeLineAt(text, offset, BEGINNING_BYTES)).text;
