/** Writes numbers and text into a growing buffer that is reused. */
const TEXT = new TextEncoder();

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  /** Returns a copy of the bytes written since the last reset. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Returns the bytes written since the last reset, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Writes a whole number from 0 to 2^53 - 1 as LEB128: seven bits a byte, least significant first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Writes a whole number within ±2^52 as a zigzag varint. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  text(text: string): void {
    const bytes = TEXT.encode(text);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** Writes `count` whole numbers of `source` from `start` on, each minus `base`, in `width` bits each (1 to 25). */
  bits(source: Float64Array, start: number, count: number, base: number, width: number): void {
    this.#reserve(Math.ceil((count * width) / 8));
    let pending = 0;
    let held = 0;
    for (let index = start; index < start + count; index++) {
      pending |= ((source[index] as number) - base) << held;
      held += width;
      while (held >= 8) {
        this.#bytes[this.#length++] = pending & 0xff;
        pending >>>= 8;
        held -= 8;
      }
    }
    if (held > 0) this.#bytes[this.#length++] = pending;
  }

  /** Like `bits()`, but with `width` bytes per number (4 to 7), least significant first. */
  wide(source: Float64Array, start: number, count: number, base: number, width: number): void {
    this.#reserve(count * width);
    for (let index = start; index < start + count; index++) {
      let rest = (source[index] as number) - base;
      for (let byte = 0; byte < width; byte++) {
        this.#bytes[this.#length++] = rest % 256;
        rest = Math.floor(rest / 256);
      }
    }
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
