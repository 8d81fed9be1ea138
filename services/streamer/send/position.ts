/**
 * Where in a file a producer's batch ends: all that the next batch depends on, as the text that the queue and the store
 * keep. A batch is cut from a read-ahead, so a position names the read-ahead and how much of it has been sent.
 */
import type { Fingerprint } from "../../sources/files/fingerprint.ts";
import type { RowPlace } from "../../sources/port.ts";

/** Where a read-ahead begins, and how far it has been sent. */
export interface Mark {
  /** Between two rows of the file. Everything before it has been sent. */
  readonly place: RowPlace;
  /** Readings of this shard behind `place` that belong to earlier read-aheads. */
  readonly skip: number;
  /** Readings in the read-ahead when part of it has been sent, so that it is the same again in a file that grew; else 0. */
  readonly size: number;
  /** Readings of it sent, in the order in which batches are cut. */
  readonly sent: number;
}

export interface StreamPosition extends Fingerprint, Mark {
  /** How often the file had been read to its end before, when looping. */
  readonly pass: number;
  /** The last time given to a tick with `TIMESTAMPS=live`; 0: none. */
  readonly stampedAt: number;
}

export const START: Mark = { place: { offset: 0, line: 1 }, skip: 0, size: 0, sent: 0 };

const VERSION = 1;

export const encodePosition = ({ head, length, place, skip, size, sent, pass, stampedAt }: StreamPosition): string =>
  JSON.stringify({ v: VERSION, head, length, ...place, skip, size, sent, pass, stampedAt });

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Null for a text that this version did not write: the source then starts over, and the store takes readings once. */
export function parsePosition(text: string): StreamPosition | null {
  let given: Record<string, unknown>;
  try {
    given = Object(JSON.parse(text));
  } catch {
    return null;
  }
  const { v, head, length, offset, line, skip, size, sent, pass, stampedAt } = given;
  if (v !== VERSION || typeof head !== "string" || !isCount(length) || !isCount(offset) || !isCount(line)) return null;
  if (!isCount(skip) || !isCount(size) || !isCount(sent) || !isCount(pass) || !isCount(stampedAt)) return null;
  return { head, length, place: { offset, line }, skip, size, sent, pass, stampedAt };
}

/** Below 0 when `a` is the less advanced one. */
export const compareProgress = (a: StreamPosition, b: StreamPosition): number =>
  a.pass - b.pass || a.place.offset - b.place.offset;
