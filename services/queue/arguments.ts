/**
 * Checks arguments against the bounds of the port. Every implementation calls these checks before it changes anything.
 */
import { AppError } from "../../schema/model/errors.ts";
import {
  type ClaimRequest,
  MAX_BATCH_BYTES,
  MAX_CALL_ITEMS,
  MAX_DELAY_MS,
  MAX_EPOCH_AHEAD_MS,
  MAX_LEASE_MS,
  MAX_POSITION_LENGTH,
  MAX_PRODUCER_LENGTH,
  MAX_REASON_LENGTH,
  MAX_WAIT_MS,
  type NackMode,
  type OutgoingBatch,
} from "./port.ts";

function refuse(name: string, got: unknown, accepted: string): never {
  throw new AppError(`Queue: ${name} must be ${accepted}, got ${got}`, { code: "invalid" });
}

const span = (min: number, max: number): string =>
  `from ${min.toLocaleString("en-US")} to ${max.toLocaleString("en-US")}`;

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    refuse(name, value, `a whole number ${span(min, max)}`);
  }
}

function checkCount(name: string, items: readonly unknown[], min = 0): void {
  if (items.length < min || items.length > MAX_CALL_ITEMS) {
    refuse(`the number of ${name}`, items.length, span(min, MAX_CALL_ITEMS));
  }
}

function checkProducer(producer: string): void {
  if (producer.length === 0 || producer.length > MAX_PRODUCER_LENGTH) {
    refuse("the length of producer", producer.length, span(1, MAX_PRODUCER_LENGTH));
  }
}

export function checkOpen(producer: string, inherit: readonly string[]): void {
  checkProducer(producer);
  checkCount("inherit", inherit);
  for (const other of inherit) checkProducer(other);
}

export function checkPublish(
  batches: readonly OutgoingBatch[],
  { producer, epoch }: { producer: string; epoch: number },
): void {
  checkProducer(producer);
  checkInteger("epoch", epoch, 1, Number.MAX_SAFE_INTEGER);
  checkCount("batches", batches, 1);
  let expected = batches[0]?.seq ?? 1;
  for (const { seq, body, readings, position } of batches) {
    checkInteger("seq", seq, 1, Number.MAX_SAFE_INTEGER);
    if (seq !== expected) refuse("seq", seq, `${expected}, as the batches of a call are consecutive`);
    checkInteger("body.byteLength", body.byteLength, 0, MAX_BATCH_BYTES);
    checkInteger("readings", readings, 0, Number.MAX_SAFE_INTEGER);
    checkInteger("position.length", position.length, 0, MAX_POSITION_LENGTH);
    expected++;
  }
}

/** Refuses an epoch that the queue cannot have given: greater than the known one, and too far ahead of the clock. */
export function refuseEpoch(epoch: number): never {
  refuse("epoch", epoch, `one that openProducer gave, or at most ${MAX_EPOCH_AHEAD_MS} ms ahead of the queue's clock`);
}

export function checkClaim({ max, maxBytes, leaseMs, waitMs }: ClaimRequest): void {
  checkInteger("max", max, 1, MAX_CALL_ITEMS);
  checkInteger("maxBytes", maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkInteger("leaseMs", leaseMs, 1, MAX_LEASE_MS);
  checkInteger("waitMs", waitMs, 0, MAX_WAIT_MS);
}

export function checkReceipts(receipts: readonly string[]): void {
  checkCount("receipts", receipts);
}

/** Returns the reason, cut to `MAX_REASON_LENGTH`; empty for a release. */
export function checkNack(receipts: readonly string[], mode: NackMode): string {
  checkReceipts(receipts);
  if (mode.kind !== "reject") checkInteger("delayMs", mode.delayMs ?? 0, 0, MAX_DELAY_MS);
  return mode.kind === "release" ? "" : mode.reason.slice(0, MAX_REASON_LENGTH);
}

export function checkExtend(receipts: readonly string[], leaseMs: number): void {
  checkReceipts(receipts);
  checkInteger("leaseMs", leaseMs, 1, MAX_LEASE_MS);
}

/**
 * Returns the order of death after which the page begins; -1 without `after`. For implementations that use the order of
 * death as their cursor.
 */
export function checkDeadLetterPage({ limit, after }: { limit: number; after?: string | undefined }): number {
  checkInteger("limit", limit, 1, MAX_CALL_ITEMS);
  if (after === undefined) return -1;
  return /^\d{1,16}$/.test(after) ? Number(after) : refuse("after", JSON.stringify(after), "the `next` of a page");
}

export function checkIds(ids: readonly string[] | undefined): void {
  if (ids !== undefined) checkCount("ids", ids);
}
