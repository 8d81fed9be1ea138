/**
 * Encodes a batch as a value of the hash `bodies`. Its fields, in order:
 *
 * - version: 1 byte, 1
 * - producer: text
 * - epoch: number
 * - seq: number
 * - readings: number
 * - position: text
 * - body: the remaining bytes
 *
 * A number is a varint: seven bits a byte, lowest first, the high bit set on all bytes but the last. Text is its length
 * in bytes (a number) and UTF-8.
 */
import type { OutgoingBatch } from "../port.ts";

const VERSION = 1;

const varintLength = (value: number): number => {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
};

/** Returns the offset after the number. */
function writeVarint(into: Buffer, at: number, value: number): number {
  let [end, rest] = [at, value];
  while (rest > 127) {
    into[end++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  into[end++] = rest;
  return end;
}

/** Encodes version, producer and epoch, which all entries of a call share. */
function writeHead({ producer, epoch }: { producer: string; epoch: number }): Buffer {
  const name = Buffer.from(producer);
  const head = Buffer.allocUnsafe(1 + varintLength(name.length) + name.length + varintLength(epoch));
  head[0] = VERSION;
  let at = writeVarint(head, 1, name.length);
  at += name.copy(head, at);
  writeVarint(head, at, epoch);
  return head;
}

/** Encodes the batches of a call into one buffer; `lengths` has the length of each. */
export function writeEntries(
  batches: readonly OutgoingBatch[],
  from: { producer: string; epoch: number },
): { entries: Buffer; lengths: number[] } {
  const head = writeHead(from);
  const positions = batches.map(({ position }) => Buffer.byteLength(position));
  const lengths = batches.map(({ seq, readings, body }, index) => {
    const position = positions[index] as number;
    const numbers = varintLength(seq) + varintLength(readings) + varintLength(position);
    return head.length + numbers + position + body.byteLength;
  });
  const entries = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [index, { seq, readings, position, body }] of batches.entries()) {
    entries.set(head, at);
    at = writeVarint(entries, at + head.length, seq);
    at = writeVarint(entries, at, readings);
    at = writeVarint(entries, at, positions[index] as number);
    at += entries.write(position, at);
    entries.set(body, at);
    at += body.byteLength;
  }
  return { entries, lengths };
}

export interface Entry {
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly readings: number;
  readonly position: string;
  readonly body: Uint8Array;
}

export class EntryReader {
  #entry: Buffer = Buffer.alloc(0);
  #at = 0;

  read(entry: Buffer): Entry {
    this.#entry = entry;
    this.#at = 1;
    if (entry[0] !== VERSION) throw new Error(`Queue entry: version must be ${VERSION}, got ${entry[0]}`);
    const producer = this.#text();
    const [epoch, seq, readings] = [this.#varint(), this.#varint(), this.#varint()];
    const position = this.#text();
    return { producer, epoch, seq, readings, position, body: entry.subarray(this.#at) };
  }

  #text(): string {
    const length = this.#varint();
    const from = this.#at;
    this.#at += length;
    return this.#entry.toString("utf8", from, this.#at);
  }

  #varint(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.#entry[this.#at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }
}
