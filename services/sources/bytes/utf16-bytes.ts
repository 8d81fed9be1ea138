/** Reads UTF-16 as UTF-8. */
import type { ByteSource } from "./byte-source.ts";

/** How many bytes of UTF-16 are read at once. */
const PIECE_BYTES = 65_536;
/** Stands for half a surrogate pair: no UTF-8 has this byte, so the row is skipped for its encoding. */
const DAMAGED = Buffer.of(0xff);

export class Utf16Bytes implements ByteSource {
  readonly #source: ByteSource;
  readonly #isBigEndian: boolean;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  /** Bytes at the front of the piece that are not decoded yet: half a character. */
  #held = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: ByteSource, { isBigEndian }: { isBigEndian: boolean }) {
    this.#source = source;
    this.#isBigEndian = isBigEndian;
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
  }

  modifiedAt(): Promise<number | null> {
    return this.#source.modifiedAt();
  }

  async #refill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const count = await this.#source.read(this.#piece, this.#held);
      if (count === 0) return false;
      this.#rest = this.#decode(this.#held + count);
    }
    return true;
  }

  #decode(length: number): Buffer {
    let end = length - (length % 2);
    const high = this.#piece[end - (this.#isBigEndian ? 2 : 1)];
    if (high !== undefined && high >= 0xd8 && high <= 0xdb) end -= 2;
    const whole = Buffer.from(this.#piece.subarray(0, end));
    this.#piece.copyWithin(0, end, length);
    this.#held = length - end;
    if (this.#isBigEndian) whole.swap16();
    return toUtf8(whole.toString("utf16le"));
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    if (!(await this.#refill())) return 0;
    const count = Math.min(this.#rest.length, into.length - at);
    into.set(this.#rest.subarray(0, count), at);
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Skips `count` bytes of UTF-8, or fewer if the text ends before. */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0 && (await this.#refill()); ) {
      const skipped = Math.min(left, this.#rest.length);
      this.#rest = this.#rest.subarray(skipped);
      left -= skipped;
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#source[Symbol.asyncDispose]();
  }
}

function toUtf8(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts = Array.from(text, (character) => (character.isWellFormed() ? Buffer.from(character) : DAMAGED));
  return Buffer.concat(parts);
}
