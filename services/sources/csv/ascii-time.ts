/** Reads times such as `2025-07-18T20:42:34Z` or `…34.250118Z` from bytes, for a day it has already seen. */
import { parseTimestamp } from "../../../schema/model/timestamp.ts";

const ZERO = 0x30;
const MS_OF_DIGIT = [100, 10, 1, 0, 0, 0, 0];
const FORM = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z$/;

/** Length of the longest time read here. */
export const MAX_TIME_BYTES = 27;
/** How many digits a second's fraction may have: with more, `parseTimestamp` could round up to the next millisecond. */
const MAX_FRACTION_DIGITS = 6;

/** Returns the two digits at `at` as a number, or 100 for anything else. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = ((bytes[at] as number) - ZERO) >>> 0;
  const ones = ((bytes[at + 1] as number) - ZERO) >>> 0;
  return tens < 10 && ones < 10 ? tens * 10 + ones : 100;
}

/**
 * Holds the last time read. Compares eight bytes as one double: doubles of different bytes are equal only for the two
 * zeros, and the text of a time has no zero byte.
 */
export class AsciiTime {
  /** ms since the epoch, rounded down. */
  at = Number.NaN;
  #day = Number.NaN;
  #yearAndMonth = Number.NaN;
  #dayOfMonth = 0;
  /** Bytes 8 to 15 of the last time with whole seconds (`#end` holds 16 to 19). NaN equals nothing. */
  #middle = Number.NaN;
  #end = 0;

  /** Remembers the day of `text`, unless it is not a time of this form. */
  learnDay(text: string): void {
    if (!FORM.test(text)) return;
    const day = parseTimestamp(`${text.slice(0, 10)}T00:00:00Z`);
    if (!day.ok || day.value === this.#day) return;
    const bytes = Buffer.from(text, "latin1");
    this.#yearAndMonth = bytes.readDoubleLE(0);
    this.#dayOfMonth = bytes.readInt16LE(8);
    this.#day = day.value;
    this.#middle = Number.NaN;
  }

  /** Returns where the time ends, or -1 for anything but a time of this form on the remembered day. */
  read(bytes: Uint8Array, view: DataView, from: number): number {
    if (view.getFloat64(from, true) !== this.#yearAndMonth) return -1;
    const middle = view.getFloat64(from + 8, true);
    const end = view.getInt32(from + 16, true);
    if (middle === this.#middle && end === this.#end) return from + 20;
    if (view.getInt16(from + 8, true) !== this.#dayOfMonth) return -1;
    if (bytes[from + 10] !== 0x54 || bytes[from + 13] !== 0x3a || bytes[from + 16] !== 0x3a) return -1;
    const [hour, minute, second] = [pair(bytes, from + 11), pair(bytes, from + 14), pair(bytes, from + 17)];
    if (hour > 23 || minute > 59 || second > 59) return -1;
    const at = this.#day + ((hour * 60 + minute) * 60 + second) * 1000;
    if (bytes[from + 19] === 0x5a) {
      this.#middle = middle;
      this.#end = end;
      this.at = at;
      return from + 20;
    }
    if (bytes[from + 19] !== 0x2e) return -1;
    let digits = 0;
    let ms = 0;
    for (; digits <= MAX_FRACTION_DIGITS; digits++) {
      const digit = ((bytes[from + 20 + digits] as number) - ZERO) >>> 0;
      if (digit > 9) break;
      ms += digit * (MS_OF_DIGIT[digits] as number);
    }
    if (digits === 0 || digits > MAX_FRACTION_DIGITS || bytes[from + 20 + digits] !== 0x5a) return -1;
    this.#middle = Number.NaN;
    this.at = at + ms;
    return from + 21 + digits;
  }
}
