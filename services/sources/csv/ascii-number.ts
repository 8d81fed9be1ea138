/** Plain decimal numbers straight from bytes: what `Number()` would say of the text, without making one. */

const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
/** A mantissa of 15 digits and a power of ten up to 10^15 are exact doubles, so their quotient is rounded once. */
const MAX_DIGITS = 15;
const POWERS_OF_TEN = Float64Array.from({ length: MAX_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** DCGM's 64-bit blanks have 19 digits; from here on a number is one of them however it is rounded. */
const MAX_BLANK_DIGITS = 19;
const SURELY_BLANK = 9.21e18;

/** The most bytes a number takes that is read here: sign, point and digits. */
export const MAX_NUMBER_BYTES = MAX_BLANK_DIGITS + 2;

/** Holds the number read last, and where it was. */
export class AsciiNumber {
  value = 0;
  start = 0;
  end = 0;

  /**
   * Reads digits, with a sign `-` and a decimal point where there are any, and tells where they end. -1 for what is no
   * number or one of another form: exponent, plus sign, more than 15 digits; but a 64-bit blank is read, inexactly. What
   * follows is for the caller to judge.
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
    if (bytes[at] === POINT) {
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
