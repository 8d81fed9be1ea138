/**
 * Names of batches and receipts outside Redis: `PARTITION-ID` and `PARTITION-ID.HANDOVER`. HANDOVER is the number of
 * the delivery, from 0. `script-parts.ts` describes ids.
 */

export interface BatchName {
  readonly partition: number;
  /** The batch's id in Redis. */
  readonly id: string;
}

export interface Receipt extends BatchName {
  readonly handover: number;
}

/** Reads the size of the body from an id. */
export const sizeOf = (id: string): number => Number.parseInt(id.slice(-5), 36);
/** Reads when the batch was published from an id, in milliseconds since the epoch. */
export const publishedAtOf = (id: string): number => Number.parseInt(id.slice(0, 11), 16);

/**
 * Returns the end of an id, which the publisher makes: the place of the batch in its call, and the size of its body.
 */
export const endOfId = (place: number, bytes: number): string =>
  place.toString(36).padStart(2, "0") + bytes.toString(36).padStart(5, "0");

export const nameOf = (partition: number, id: string): string => `${partition}-${id}`;

const NAME = /^(\d{1,4})-([\da-f]{12,32}[\da-z]{7})$/;
const HANDOVER = /^\d{1,15}$/;

/** Returns null for a malformed name. */
export function parseName(name: string): BatchName | null {
  const match = NAME.exec(name);
  return match === null ? null : { partition: Number(match[1]), id: match[2] as string };
}

/** Returns null for a malformed receipt. */
export function parseReceipt(receipt: string): Receipt | null {
  const dot = receipt.lastIndexOf(".");
  const name = dot < 0 ? null : parseName(receipt.slice(0, dot));
  const handover = receipt.slice(dot + 1);
  return name === null || !HANDOVER.test(handover) ? null : { ...name, handover: Number(handover) };
}
