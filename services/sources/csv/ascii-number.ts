/** Reads plain decimal numbers from bytes: the same doubles as `Number()`, without creating a string. */

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
const COMMA = 0x2c;
/** Mantissas of 15 digits and powers of ten up to 10^15 are exact doubles, so their quotient is rounded only once. */
const MAX_DIGITS = 15;
const POWERS_OF_TEN = Float64Array.from({ length: MAX_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** DCGM's 64-bit blanks have 19 digits. A number from `SURELY_BLANK` on counts as blank, even if it was rounded. */
const MAX_BLANK_DIGITS = 19;
const SURELY_BLANK = 9.21e18;

/** Length of the longest number read here: sign, point and digits. */
export const MAX_NUMBER_BYTES = MAX_BLANK_DIGITS + 2;

/** Holds the last number read and its place. */
export class AsciiNumber {
  value = 0;
  start = 0;
  end = 0;
  readonly #point: number;

  constructor({ hasDecimalComma = false } = {}) {
    this.#point = hasDecimalComma ? COMMA : POINT;
  }

  /**
   * Reads digits with an optional `-` and decimal point or comma, and returns where they end. Returns -1 otherwise:
   * exponents, plus signs, more than 15 digits, text. Exception: a 64-bit blank is read, inexactly. The caller checks
   * what follows the number.
   */
  read(bytes: Uint8Array, from: number): number {
    let at = from;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    let mantissa = 0;
    let digits = 0;
    let scale = 0;
    let digit = ((bytes[at] as number) - ZERO) >>> 0;
    while (digit < 10) {
      if (++digits > MAX_BLANK_DIGITS) return -1;
      mantissa = mantissa * 10 + digit;
      digit = ((bytes[++at] as number) - ZERO) >>> 0;
    }
    if (bytes[at] === this.#point) {
      digit = ((bytes[++at] as number) - ZERO) >>> 0;
      while (digit < 10) {
        if (++digits > MAX_DIGITS) return -1;
        scale++;
        mantissa = mantissa * 10 + digit;
        digit = ((bytes[++at] as number) - ZERO) >>> 0;
      }
    }
    if (digits === 0 || (digits > MAX_DIGITS && (mantissa < SURELY_BLANK || negative))) return -1;
    const magnitude = scale === 0 ? mantissa : mantissa / (POWERS_OF_TEN[scale] as number);
    this.value = negative ? -magnitude : magnitude;
    this.start = from;
    this.end = at;
    return at;
  }
}
