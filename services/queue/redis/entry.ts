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

/** Version, producer and epoch: the same for all entries of a call. */
function writeHead({ producer, epoch }: { producer: string; epoch: number }): Buffer {
  const name = Buffer.from(producer);
  const head = Buffer.allocUnsafe(1 + varintLength(name.length) + name.length + varintLength(epoch));
  head[0] = VERSION;
  let at = writeVarint(head, 1, name.length);
  at += name.copy(head, at);
  writeVarint(head, at, epoch);
  return head;
}

/** The entries of a call one after the other, and how long each is. */
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
    if (entry[0] !== VERSION) throw new Error(`Entry of the queue has version ${entry[0]}: known is ${VERSION}`);
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
