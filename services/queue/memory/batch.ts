/** The memory queue's record of a batch, and the list of ready batches. */
import type { OutgoingBatch } from "../port.ts";

/** A batch in the queue. It is mutable, so it is never handed out. */
export interface StoredBatch {
  readonly id: string;
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: string;
  readonly readings: number;
  readonly body: Uint8Array;
  readonly publishedAt: number;
  place: "ready" | "leased" | "delayed" | "dead";
  /** Attempts used. The next delivery is attempt `returns + 1`. */
  returns: number;
  /** Number of deliveries so far. It is part of the receipt, so that each delivery has its own receipt. */
  handover: number;
  /** When the lease or the delay ends; meaningless while the batch is ready or dead. */
  dueAt: number;
  /** Index in the `DeadlineHeap` that holds the batch; -1 if no heap does. */
  heapIndex: number;
  /** Orders equal deadlines, first in, first out. */
  heapOrder: number;
  previous: StoredBatch | null;
  next: StoredBatch | null;
}

export const createBatch = (
  id: string,
  { seq, body, readings, position }: OutgoingBatch,
  { producer, epoch }: { producer: string; epoch: number },
  publishedAt: number,
): StoredBatch => ({
  id,
  producer,
  epoch,
  seq,
  position,
  readings,
  body,
  publishedAt,
  place: "ready",
  returns: 0,
  handover: 0,
  dueAt: 0,
  heapIndex: -1,
  heapOrder: 0,
  previous: null,
  next: null,
});

export const receiptOf = (batch: StoredBatch): string => `${batch.id}.${batch.handover}`;

/** Returns undefined for a malformed receipt. */
export function parseReceipt(receipt: string): { id: string; handover: number } | undefined {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(receipt);
  return match === null ? undefined : { id: match[1] as string, handover: Number(match[2]) };
}

/** A doubly linked list: pushing at either end and removing from the middle take constant time. */
export class ReadyLine {
  #head: StoredBatch | null = null;
  #tail: StoredBatch | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get head(): StoredBatch | null {
    return this.#head;
  }

  pushTail(batch: StoredBatch): void {
    batch.place = "ready";
    batch.previous = this.#tail;
    batch.next = null;
    if (this.#tail === null) this.#head = batch;
    else this.#tail.next = batch;
    this.#tail = batch;
    this.#size++;
  }

  pushHead(batch: StoredBatch): void {
    batch.place = "ready";
    batch.previous = null;
    batch.next = this.#head;
    if (this.#head === null) this.#tail = batch;
    else this.#head.previous = batch;
    this.#head = batch;
    this.#size++;
  }

  remove(batch: StoredBatch): void {
    if (batch.previous === null) this.#head = batch.next;
    else batch.previous.next = batch.next;
    if (batch.next === null) this.#tail = batch.previous;
    else batch.next.previous = batch.previous;
    batch.previous = null;
    batch.next = null;
    this.#size--;
  }

  /**
   * Returns when the oldest batch was published. Reads the whole list, because a redelivered batch is behind younger
   * ones.
   */
  oldestPublishedAt(): number | undefined {
    let oldest: number | undefined;
    for (let batch = this.#head; batch !== null; batch = batch.next) {
      if (oldest === undefined || batch.publishedAt < oldest) oldest = batch.publishedAt;
    }
    return oldest;
  }
}
