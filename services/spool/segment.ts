/** A file of the spool with consecutive records. Its name is the number of the first one. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { decodeHeader, isIntact, RECORD_HEADER_BYTES } from "./records.ts";

export interface SpoolRecord {
  readonly number: number;
  readonly readings: number;
  readonly body: Uint8Array;
}

const NAME = /^(\d{16})\.spool$/;

/** Returns undefined if the file is not a segment. */
export const firstNumberOf = (name: string): number | undefined => {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

export const segmentPath = (folder: string, first: number): string =>
  join(folder, `${String(first).padStart(16, "0")}.spool`);

export interface Segment {
  readonly first: number;
  readonly path: string;
  /** Records and bytes on disk. */
  count: number;
  size: number;
}

/** Returns the bytes of the record at the offset; null if it ends after `size`, or is damaged. */
async function readRecord(file: FileHandle, at: number, index: number, size: number): Promise<Buffer | null> {
  if (at + RECORD_HEADER_BYTES > size) return null;
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  await file.read(header, 0, header.length, at);
  const { length } = decodeHeader(header);
  if (at + RECORD_HEADER_BYTES + length > size) return null;
  const record = Buffer.alloc(RECORD_HEADER_BYTES + length);
  const { bytesRead } = await file.read(record, 0, record.length, at);
  return bytesRead === record.length && isIntact(record, index) ? record : null;
}

export interface FoundSegment extends Segment {
  /** Bytes after the last intact record: what a kill cut short, or damage. */
  readonly excess: number;
}

/** Checks a segment that an earlier process has written, up to its first record that is not intact. */
export async function inspectSegment(folder: string, first: number): Promise<FoundSegment> {
  const path = segmentPath(folder, first);
  const file = await open(path, "r");
  try {
    const { size: written } = await file.stat();
    let size = 0;
    let count = 0;
    for (;;) {
      const record = await readRecord(file, size, count, written);
      if (record === null) return { first, path, count, size, excess: written - size };
      size += record.length;
      count++;
    }
  } finally {
    await file.close();
  }
}

/** Where a record begins. */
export interface Place {
  readonly number: number;
  readonly offset: number;
}

/**
 * Returns records from a number on, at least one if the segment has it, and the place after them.
 * @param from a place in the segment that is not after the record
 */
export async function readSegment(
  { first, path, size }: Segment,
  { from, number, maxBytes }: { from: Place; number: number; maxBytes: number },
): Promise<{ records: SpoolRecord[]; next: Place }> {
  const records: SpoolRecord[] = [];
  let next = from;
  let bytes = 0;
  const file = await open(path, "r");
  try {
    while (bytes < maxBytes) {
      const record = await readRecord(file, next.offset, next.number - first, size);
      if (record === null) break;
      if (next.number >= number) {
        const body = record.subarray(RECORD_HEADER_BYTES);
        records.push({ number: next.number, readings: decodeHeader(record).readings, body });
        bytes += record.length;
      }
      next = { number: next.number + 1, offset: next.offset + record.length };
    }
  } finally {
    await file.close();
  }
  return { records, next };
}
