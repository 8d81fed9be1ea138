/**
 * A batch as it lies in Redis: version, producer, epoch, seq, readings, position, then the body to the end. Numbers are
 * varints of seven bits a byte; text is UTF-8 with its length before it.
 */
import type { OutgoingBatch } from "../port.ts";

const VERSION = 1;

const varintLength = (value: number): number => {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
};

/** Returns where it ends. */
function writeVarint(into: Buffer, at: number, value: number): number {
  let [end, rest] = [at, value];
  while (rest > 127) {
    into[end++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  into[end++] = rest;
  return end;
}

/** The entries of a call one after the other, and how long each is. */
export function writeEntries(
  batches: readonly OutgoingBatch[],
  { producer, epoch }: { producer: string; epoch: number },
): { entries: Buffer; lengths: number[] } {
  const name = Buffer.from(producer);
  const fixed = 1 + varintLength(name.length) + name.length + varintLength(epoch);
  const positions = batches.map(({ position }) => Buffer.byteLength(position));
  const lengths = batches.map(({ seq, readings, body }, index) => {
    const position = positions[index] as number;
    const numbers = varintLength(seq) + varintLength(readings) + varintLength(position);
    return fixed + numbers + position + body.byteLength;
  });
  const entries = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [index, { seq, readings, position, body }] of batches.entries()) {
    entries[at++] = VERSION;
    at = writeVarint(entries, at, name.length);
    at += name.copy(entries, at);
    at = writeVarint(entries, at, epoch);
    at = writeVarint(entries, at, seq);
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

/** Reads entries one after the other: what one producer has published in a row is told with one string. */
export class EntryReader {
  #entry: Buffer = Buffer.alloc(0);
  #at = 0;
  #name: Buffer = Buffer.alloc(0);
  #producer = "";

  read(entry: Buffer): Entry {
    this.#entry = entry;
    this.#at = 1;
    if (entry[0] !== VERSION) throw new Error(`Entry of the queue has version ${entry[0]}: known is ${VERSION}`);
    const name = this.#bytes(this.#varint());
    if (!name.equals(this.#name)) {
      this.#name = name;
      this.#producer = name.toString();
    }
    const [epoch, seq, readings] = [this.#varint(), this.#varint(), this.#varint()];
    const position = this.#bytes(this.#varint()).toString();
    return { producer: this.#producer, epoch, seq, readings, position, body: entry.subarray(this.#at) };
  }

  #bytes(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    return this.#entry.subarray(from, this.#at);
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
