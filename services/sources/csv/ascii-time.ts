/**
 * Reads times from bytes, for a day it has already seen: `2025-07-18T20:42:34Z`, the same with a space, a fraction, an
 * offset or no zone, and Unix seconds and milliseconds. Other forms are left to `RowTimes`.
 */
import { millisecondsOf } from "../../../schema/dcgm/time.ts";

const ZERO = 0x30;
const COLON = 0x3a;
const POINT = 0x2e;
const MS_OF_DIGIT = [100, 10, 1, 0, 0, 0, 0];
const FORM = /^\d{4}-\d{2}-\d{2}[Tt ]\d/;

/** Length of the longest time read here: `2025-07-18T20:42:34.250118+00:00`. */
export const MAX_TIME_BYTES = 32;
const MAX_FRACTION_DIGITS = 6;
/** Quotients of such numbers and powers of ten are rounded only once. */
const MAX_EPOCH_DIGITS = 15;

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
  readonly #isUtc: boolean;
  #day = Number.NaN;
  #yearAndMonth = Number.NaN;
  #dayOfMonth = 0;
  /** Bytes 8 to 15 of the last time of the form `…34Z` (`#end` holds 16 to 19). NaN equals nothing. */
  #middle = Number.NaN;
  #end = 0;

  /** @param options.isUtc whether times without a zone are UTC; otherwise they are not read here */
  constructor({ isUtc }: { isUtc: boolean }) {
    this.#isUtc = isUtc;
  }

  /** Remembers the day of `text`, unless it does not begin with one. */
  learnDay(text: string): void {
    if (!FORM.test(text)) return;
    const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
    // Date.parse rolls 30 February over to another day.
    if (Number.isNaN(day) || day === this.#day || new Date(day).getUTCDate() !== Number(text.slice(8, 10))) return;
    const bytes = Buffer.from(text, "latin1");
    this.#yearAndMonth = bytes.readDoubleLE(0);
    this.#dayOfMonth = bytes.readInt16LE(8);
    this.#day = day;
    this.#middle = Number.NaN;
  }

  /** Returns where the time ends, or -1 for anything but a time of these forms on the remembered day. */
  read(bytes: Uint8Array, view: DataView, from: number): number {
    if (view.getFloat64(from, true) !== this.#yearAndMonth) return this.#readEpoch(bytes, from);
    const middle = view.getFloat64(from + 8, true);
    const end = view.getInt32(from + 16, true);
    if (middle === this.#middle && end === this.#end) return from + 20;
    if (view.getInt16(from + 8, true) !== this.#dayOfMonth) return -1;
    if (bytes[from + 13] !== COLON || bytes[from + 16] !== COLON) return -1;
    const [hour, minute, second] = [pair(bytes, from + 11), pair(bytes, from + 14), pair(bytes, from + 17)];
    if (hour > 23 || minute > 59 || second > 59) return -1;
    const at = this.#day + ((hour * 60 + minute) * 60 + second) * 1000;
    const separator = bytes[from + 10];
    if (separator !== 0x54 && separator !== 0x20 && separator !== 0x74) return -1;
    if (bytes[from + 19] === 0x5a) {
      this.#middle = middle;
      this.#end = end;
      this.at = at;
      return from + 20;
    }
    this.#middle = Number.NaN;
    return this.#readRest(bytes, from + 19, at);
  }

  /** Reads fraction and zone of a time whose whole seconds are `at`. */
  #readRest(bytes: Uint8Array, from: number, at: number): number {
    let next = from;
    let ms = 0;
    if (bytes[next] === POINT) {
      let digits = 0;
      for (next++; digits <= MAX_FRACTION_DIGITS; digits++, next++) {
        const digit = ((bytes[next] as number) - ZERO) >>> 0;
        if (digit > 9) break;
        ms += digit * (MS_OF_DIGIT[digits] as number);
      }
      if (digits === 0 || digits > MAX_FRACTION_DIGITS) return -1;
    }
    this.at = at + ms;
    const sign = bytes[next];
    if (sign === 0x5a) return next + 1;
    if (sign !== 0x2b && sign !== 0x2d) return this.#isUtc ? next : -1;
    const hours = pair(bytes, next + 1);
    const hasColon = bytes[next + 3] === COLON;
    const minutes = pair(bytes, next + (hasColon ? 4 : 3));
    if (hours > 23 || (minutes > 59 && (hasColon || minutes < 100))) return -1;
    const offsetMs = (hours * 60 + (minutes === 100 ? 0 : minutes)) * 60_000;
    this.at += sign === 0x2d ? offsetMs : -offsetMs;
    return next + (hasColon ? 6 : minutes === 100 ? 3 : 5);
  }

  #readEpoch(bytes: Uint8Array, from: number): number {
    let next = from;
    let number = 0;
    let digits = 0;
    let scale = 0;
    for (let hasPoint = false; ; next++) {
      const digit = ((bytes[next] as number) - ZERO) >>> 0;
      if (digit < 10) {
        if (++digits > MAX_EPOCH_DIGITS) return -1;
        number = number * 10 + digit;
        if (hasPoint) scale++;
      } else if (bytes[next] === POINT && !hasPoint && digits > 0) {
        hasPoint = true;
      } else {
        break;
      }
    }
    if (digits === 0) return -1;
    this.#middle = Number.NaN;
    this.at = millisecondsOf(number / 10 ** scale);
    return next;
  }
}
