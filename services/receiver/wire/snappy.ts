/**
 * Decompresses snappy's block format: the length, then literals and copies of what is already there. The length is
 * checked before memory is allocated, and no element may write beyond it.
 */
import { Malformed } from "./malformed.ts";

const LITERAL = 0;
const COPY_1_BYTE = 1;
const COPY_2_BYTES = 2;
/** Literals up to this length have it in the tag; longer ones have it in 1 to 4 bytes after the tag. */
const SHORT_LITERAL = 60;
const MAX_LENGTH_BYTES = 5;

interface Length {
  readonly length: number;
  /** Where the elements begin. */
  readonly start: number;
}

/** @throws Malformed */
function readLength(bytes: Uint8Array): Length {
  let length = 0;
  for (let at = 0; at < MAX_LENGTH_BYTES; at++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, start: at + 1 };
  }
  throw new Malformed("body must be a snappy block, got no length");
}

/** Returns the length that a block says it has once decompressed. @throws Malformed */
export const uncompressedLength = (bytes: Uint8Array): number => readLength(bytes).length;

const damaged = (): Malformed => new Malformed("body must be a snappy block, got damaged bytes");

/** @throws Malformed for a block that is damaged, or longer than `maxBytes` */
export function uncompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const { length, start } = readLength(bytes);
  if (length > maxBytes) throw new Malformed(`body must have at most ${maxBytes} bytes, got ${length}`);
  const out = new Uint8Array(length);
  let at = start;
  let to = 0;
  while (at < bytes.length) {
    const tag = bytes[at++] as number;
    const kind = tag & 3;
    if (kind === LITERAL) {
      let count = (tag >> 2) + 1;
      if (count > SHORT_LITERAL) {
        const sizeBytes = count - SHORT_LITERAL;
        if (at + sizeBytes > bytes.length) throw damaged();
        count = 1;
        for (let place = 0; place < sizeBytes; place++) count += (bytes[at++] as number) * 256 ** place;
      }
      if (at + count > bytes.length || to + count > length) throw damaged();
      if (count < 16) for (let end = to + count; to < end; ) out[to++] = bytes[at++] as number;
      else {
        out.set(bytes.subarray(at, at + count), to);
        at += count;
        to += count;
      }
      continue;
    }
    const offsetBytes = kind === COPY_1_BYTE ? 1 : kind === COPY_2_BYTES ? 2 : 4;
    if (at + offsetBytes > bytes.length) throw damaged();
    const count = kind === COPY_1_BYTE ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    let offset = kind === COPY_1_BYTE ? (tag >> 5) * 256 : 0;
    for (let place = 0; place < offsetBytes; place++) offset += (bytes[at++] as number) * 256 ** place;
    if (offset === 0 || offset > to || to + count > length) throw damaged();
    // A copy may overlap what it writes: then it repeats the last `offset` bytes.
    for (let end = to + count; to < end; to++) out[to] = out[to - offset] as number;
  }
  if (to !== length) throw damaged();
  return out;
}
