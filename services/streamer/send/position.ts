/**
 * The position of a batch: where in its source it ends, as the text that queue and store keep. A batch is cut from a
 * read-ahead, so a position names the read-ahead and how much of it has been sent.
 *
 * The text is JSON with the fields
 * - `v`: 1
 * - `head`, `length`: fingerprint of the source (see the port of sources)
 * - `offset`, `line`, `repeated`, `section` and `taken` if the place has them: place of the read-ahead's start
 * - `skip`, `size`, `sent`: see `Mark`
 * - `pass`, `stampedAt`: see `StreamPosition`
 */
import type { Fingerprint } from "../../sources/port.ts";
import type { Mark } from "../cut/mark.ts";

export interface StreamPosition extends Fingerprint, Mark {
  /** How often the source had been read to its end before, when looping. */
  readonly pass: number;
  /** The last time given to a tick with `TIMESTAMPS=live`, ms since the epoch; 0: none. */
  readonly stampedAt: number;
}

const VERSION = 1;

export const encodePosition = ({ head, length, place, skip, size, sent, pass, stampedAt }: StreamPosition): string => {
  return JSON.stringify({ v: VERSION, head, length, ...place, skip, size, sent, pass, stampedAt });
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Returns null for a text in another format. The source then starts over, and the store drops the duplicates. */
export function parsePosition(text: string): StreamPosition | null {
  let given: Record<string, unknown>;
  try {
    given = Object(JSON.parse(text));
  } catch {
    return null;
  }
  const { v, head, length, offset, line, repeated, section, taken, skip, size, sent, pass, stampedAt } = given;
  if (v !== VERSION || typeof head !== "string" || !isCount(length) || !isCount(offset) || !isCount(line)) return null;
  if (!isCount(skip) || !isCount(size) || !isCount(sent) || !isCount(pass) || !isCount(stampedAt)) return null;
  const place = {
    offset,
    line,
    ...(isCount(repeated) ? { repeated } : {}),
    ...(isCount(section) ? { section } : {}),
    ...(isCount(taken) ? { taken } : {}),
  };
  return { head, length, place, skip, size, sent, pass, stampedAt };
}

/** Returns a number below 0 if `a` is less advanced than `b`. */
export const compareProgress = (a: StreamPosition, b: StreamPosition): number =>
  a.pass - b.pass || a.place.offset - b.place.offset;
