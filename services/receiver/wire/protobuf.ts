/** Reads protobuf messages field by field. Every length is checked against the end of the message around it. */
import { Malformed } from "./malformed.ts";

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;
const MAX_VARINT_BYTES = 10;

const damaged = (): Malformed => new Malformed("body must be a protobuf message of its type, got damaged bytes");

export class ProtobufReader {
  readonly bytes: Buffer;
  readonly #view: DataView;
  /** Index of the next byte. */
  at: number;
  /** Number and wire type of the field that `next()` has found. */
  field = 0;
  type = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** Reads the tag of the next field. Returns false at the end. @throws Malformed */
  next(end: number): boolean {
    if (this.at === end) return false;
    const tag = this.varint(end);
    this.field = Math.floor(tag / 8);
    this.type = tag % 8;
    if (this.field === 0 || this.field >= 2 ** 29) throw damaged();
    return true;
  }

  /** Reads a number without sign. Above 2^53 it is rounded. */
  varint(end: number): number {
    const { bytes } = this;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      if (this.at >= end) break;
      const byte = bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw damaged();
  }

  /** Reads an int64. Below -2^53 and above 2^53 it is rounded. */
  int64(end: number): number {
    const value = this.varint(end);
    return value >= 2 ** 63 ? value - 2 ** 64 : value;
  }

  /** Reads the length of bytes, and returns where they end. */
  length(end: number): number {
    const after = this.varint(end) + this.at;
    if (after > end) throw damaged();
    return after;
  }

  double(end: number): number {
    return this.#view.getFloat64(this.#fixed(8, end), true);
  }

  /** The two halves of 8 bytes: a NaN keeps them here, and may lose them as a number. */
  halves(end: number): readonly [low: number, high: number] {
    const at = this.#fixed(8, end);
    return [this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true)];
  }

  /** Whole nanoseconds as milliseconds: fixed64 has more digits than a number. */
  fixed64(end: number): bigint {
    return this.#view.getBigUint64(this.#fixed(8, end), true);
  }

  text(end: number): string {
    const after = this.length(end);
    const text = this.bytes.toString("utf8", this.at, after);
    this.at = after;
    return text;
  }

  /** Passes over the value of the field. */
  skip(end: number): void {
    switch (this.type) {
      case VARINT:
        this.varint(end);
        return;
      case FIXED64:
        this.#fixed(8, end);
        return;
      case BYTES:
        this.at = this.length(end);
        return;
      case FIXED32:
        this.#fixed(4, end);
        return;
      default:
        throw damaged();
    }
  }

  /** @throws Malformed if the field has another wire type */
  expect(type: number): void {
    if (this.type !== type) throw damaged();
  }

  #fixed(size: number, end: number): number {
    const at = this.at;
    if (at + size > end) throw damaged();
    this.at = at + size;
    return at;
  }
}
