/** Reads the output of `ByteWriter`. Throws `DamagedBytes` at the end of the bytes and for impossible values. */
const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The error for bytes that cannot be decoded. Decoders catch it and return a failed Result. */
export class DamagedBytes extends Error {}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.#offset++] as number;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new DamagedBytes(`varint at byte ${this.#offset} must be at most 2^53 - 1`);
  }

  /** Reads a count or an index: a varint of at most `max`. `what` names it in the error. */
  bounded(max: number, what: string): number {
    const value = this.varint();
    if (value > max) throw new DamagedBytes(`${what} must be at most ${max}, got ${value}`);
    return value;
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  double(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#offset, true);
    this.#offset += 8;
    return value;
  }

  uint32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#offset, true);
    this.#offset += 4;
    return value;
  }

  /** Returns a view of the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    this.#need(length);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** Skips bytes without creating a view of them. */
  skip(length: number): void {
    this.#need(length);
    this.#offset += length;
  }

  text(maxLength: number): string {
    const bytes = this.bytes(this.bounded(maxLength, "length of a text"));
    try {
      return TEXT.decode(bytes);
    } catch (cause) {
      throw new DamagedBytes(`text before byte ${this.#offset} must be UTF-8`, { cause });
    }
  }

  /** Returns the text that begins at `offset`, which the reader has already passed. The reader does not move. */
  textAt(offset: number): string {
    const place = this.#offset;
    this.#offset = offset;
    try {
      return this.text(place - offset);
    } finally {
      this.#offset = place;
    }
  }

  /** Reads `count` numbers of `width` bits each (1 to 25), and stores each plus `base` in `target`, from `start` on. */
  bits(target: Float64Array, start: number, count: number, base: number, width: number): void {
    const bytes = this.bytes(Math.ceil((count * width) / 8));
    const mask = 2 ** width - 1;
    let pending = 0;
    let held = 0;
    let next = 0;
    for (let index = start; index < start + count; index++) {
      while (held < width) {
        pending |= (bytes[next++] as number) << held;
        held += 8;
      }
      target[index] = base + (pending & mask);
      pending >>>= width;
      held -= width;
    }
  }

  /** Like `bits()`, but with `width` bytes per number (4 to 7), least significant first. */
  wide(target: Float64Array, start: number, count: number, base: number, width: number): void {
    const bytes = this.bytes(count * width);
    let next = 0;
    for (let index = start; index < start + count; index++) {
      let value = 0;
      for (let byte = width - 1; byte >= 0; byte--) value = value * 256 + (bytes[next + byte] as number);
      next += width;
      target[index] = base + value;
    }
  }

  #need(length: number): void {
    if (length > this.left) throw new DamagedBytes(`truncated at byte ${this.#bytes.length}`);
  }
}
