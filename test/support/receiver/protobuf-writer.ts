/** Writes protobuf messages, field by field. */
export class ProtobufWriter {
  #parts: Uint8Array[] = [];

  varint(value: number | bigint): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      bytes.push(Number(rest % 128n) + 128);
      rest /= 128n;
    }
    bytes.push(Number(rest));
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }

  /** A number without a fraction. */
  number(field: number, value: number | bigint): this {
    return this.varint(field * 8).varint(value);
  }

  double(field: number, value: number | Uint8Array): this {
    const bytes = value instanceof Uint8Array ? value : new Uint8Array(Float64Array.of(value).buffer);
    this.varint(field * 8 + 1);
    this.#parts.push(bytes);
    return this;
  }

  fixed64(field: number, value: bigint): this {
    return this.double(field, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  bytes(field: number, value: Uint8Array | string | ProtobufWriter): this {
    const bytes =
      value instanceof ProtobufWriter
        ? value.take()
        : typeof value === "string"
          ? new TextEncoder().encode(value)
          : value;
    this.varint(field * 8 + 2).varint(bytes.byteLength);
    this.#parts.push(bytes);
    return this;
  }

  take(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}
