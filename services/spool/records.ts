/**
 * A record of the spool: 16 bytes, then the body.
 * - 0, u32: bytes of the body
 * - 4, u32: CRC-32 of bytes 8 to 15 and of the body
 * - 8, u32: readings in the body
 * - 12, u32: the record's number in its segment, from 0
 * Numbers are little-endian. A record that a kill or a power failure has cut short, or of which the disk has lost a
 * part, has a wrong checksum.
 */
import { crc32 } from "node:zlib";

export const RECORD_HEADER_BYTES = 16;

export interface RecordHeader {
  readonly length: number;
  readonly checksum: number;
  readonly readings: number;
  readonly index: number;
}

/** Returns the record's bytes. */
export function encodeRecord(body: Uint8Array, { readings, index }: { readings: number; index: number }): Buffer {
  const record = Buffer.alloc(RECORD_HEADER_BYTES + body.byteLength);
  record.writeUInt32LE(body.byteLength, 0);
  record.writeUInt32LE(readings, 8);
  record.writeUInt32LE(index, 12);
  record.set(body, RECORD_HEADER_BYTES);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

export const decodeHeader = (bytes: Buffer): RecordHeader => ({
  length: bytes.readUInt32LE(0),
  checksum: bytes.readUInt32LE(4),
  readings: bytes.readUInt32LE(8),
  index: bytes.readUInt32LE(12),
});

/** @param record header and body */
export const isIntact = (record: Buffer, index: number): boolean => {
  const header = decodeHeader(record);
  return header.index === index && header.checksum === crc32(record.subarray(8));
};
