import type { ByteReader } from "./byte-reader.ts";

/** Reads a list. Every item takes at least one byte, so a count above the number of bytes left is refused at once. */
export function readList<T>(from: ByteReader, max: number, what: string, read: () => T): T[] {
  const count = from.bounded(Math.min(max, from.left), `number of ${what}`);
  const items: T[] = [];
  while (items.length < count) items.push(read());
  return items;
}
