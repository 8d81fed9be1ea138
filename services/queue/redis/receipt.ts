/** What batches and hand-overs are called outside: `partition-id` and `partition-id.handover`. */

export interface BatchName {
  readonly partition: number;
  /** As Redis knows it. */
  readonly id: string;
}

export interface Receipt extends BatchName {
  readonly handover: number;
}

/** Bytes of a body, as its id says. */
export const sizeOf = (id: string): number => Number.parseInt(id.slice(-5), 36);
export const publishedAtOf = (id: string): number => Number.parseInt(id.slice(0, 11), 16);

/** The end of an id, which the publisher makes: place in its call, and size. */
export const endOfId = (place: number, bytes: number): string =>
  place.toString(36).padStart(2, "0") + bytes.toString(36).padStart(5, "0");

export const nameOf = (partition: number, id: string): string => `${partition}-${id}`;

const NAME = /^(\d{1,4})-([\da-f]{12,32}[\da-z]{7})$/;
const HANDOVER = /^\d{1,15}$/;

/** Null for what is no name. */
export function parseName(name: string): BatchName | null {
  const match = NAME.exec(name);
  return match === null ? null : { partition: Number(match[1]), id: match[2] as string };
}

/** Null for what is no receipt. */
export function parseReceipt(receipt: string): Receipt | null {
  const dot = receipt.lastIndexOf(".");
  const name = dot < 0 ? null : parseName(receipt.slice(0, dot));
  const handover = receipt.slice(dot + 1);
  return name === null || !HANDOVER.test(handover) ? null : { ...name, handover: Number(handover) };
}
