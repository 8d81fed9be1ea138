/** Finds the lines of a window, and names the limits of a line. */
import type { ByteWindow } from "../bytes/byte-window.ts";

/** Longer lines are skipped. Records with newlines in quoted fields have the same limit. */
export const MAX_RECORD_BYTES = 65_536;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export const TOO_LONG = () => `row must have at most ${MAX_RECORD_BYTES} bytes, got more`;
export const BAD_ENCODING = () => "row must be UTF-8, got other bytes";
export const TRUNCATED = () => "row must be whole, got the end of the file inside it";

/** Returns the index of the next newline in the window, or -1. */
export function newlineFrom({ bytes, end }: ByteWindow, index: number): number {
  if (index >= end) return -1;
  const newline = bytes.indexOf(LINE_FEED, index);
  return newline < end ? newline : -1;
}

/** Returns the end of the line whose newline is at this index, without a carriage return. */
export const withoutReturn = ({ bytes, start }: ByteWindow, newline: number): number =>
  newline > start && bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
