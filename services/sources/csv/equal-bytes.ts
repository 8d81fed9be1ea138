/** Compares and hashes ranges of text bytes in JavaScript, where a native call for each range would cost more. */

/**
 * Compares eight bytes as one double, eight doubles per iteration: faster than `Buffer.compare` on ranges of 100 to
 * 300 bytes. Doubles of different bytes are equal only for the two zeros, so `a` must hold no zero byte. NaN equals
 * nothing, so bytes that form one (DEL before a control character, or bytes that are not UTF-8) count as different.
 */
export function equalBytes(a: DataView, aFrom: number, b: DataView, bFrom: number, length: number): boolean {
  const aEnd = aFrom + length;
  let i = aFrom;
  let j = bFrom;
  if (length < 8) {
    for (; i < aEnd; i++, j++) if (a.getUint8(i) !== b.getUint8(j)) return false;
    return true;
  }
  for (; i + 64 <= aEnd; i += 64, j += 64) {
    if (
      a.getFloat64(i, true) !== b.getFloat64(j, true) ||
      a.getFloat64(i + 8, true) !== b.getFloat64(j + 8, true) ||
      a.getFloat64(i + 16, true) !== b.getFloat64(j + 16, true) ||
      a.getFloat64(i + 24, true) !== b.getFloat64(j + 24, true) ||
      a.getFloat64(i + 32, true) !== b.getFloat64(j + 32, true) ||
      a.getFloat64(i + 40, true) !== b.getFloat64(j + 40, true) ||
      a.getFloat64(i + 48, true) !== b.getFloat64(j + 48, true) ||
      a.getFloat64(i + 56, true) !== b.getFloat64(j + 56, true)
    ) {
      return false;
    }
  }
  for (; i + 8 <= aEnd; i += 8, j += 8) if (a.getFloat64(i, true) !== b.getFloat64(j, true)) return false;
  // The last eight bytes, which overlap those already compared.
  return a.getFloat64(aEnd - 8, true) === b.getFloat64(bFrom + length - 8, true);
}

/** Returns a 32-bit hash of the range. To hash several ranges, pass the hash of one as the `seed` of the next. */
export function hashBytes(view: DataView, from: number, to: number, seed: number): number {
  let hash = seed ^ (to - from);
  let at = from;
  for (; at + 4 <= to; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  return hash ^ (hash >>> 13);
}
