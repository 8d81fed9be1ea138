/** Leases and delays of the memory queue in the order of their deadlines, and the timer for the next one. */
import type { Clock } from "../../platform/process/clock.ts";
import type { StoredBatch } from "./batch.ts";

const isBefore = (a: StoredBatch, b: StoredBatch): boolean =>
  a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.heapOrder < b.heapOrder);

/**
 * A binary heap with the index of each batch: add, remove and renew take O(log n). Equal deadlines are first in, first
 * out.
 */
export class DeadlineHeap {
  readonly #heap: StoredBatch[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  get first(): StoredBatch | undefined {
    return this.#heap[0];
  }

  add(batch: StoredBatch, dueAt: number): void {
    batch.dueAt = dueAt;
    batch.heapOrder = this.#order++;
    batch.heapIndex = this.#heap.length;
    this.#heap.push(batch);
    this.#rise(batch);
  }

  /** Moves the batch behind those that have the same deadline. */
  renew(batch: StoredBatch, dueAt: number): void {
    batch.dueAt = dueAt;
    batch.heapOrder = this.#order++;
    this.#rise(batch);
    this.#sink(batch);
  }

  remove(batch: StoredBatch): void {
    const last = this.#heap.pop();
    const index = batch.heapIndex;
    batch.heapIndex = -1;
    if (last === undefined || last === batch) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #place(batch: StoredBatch, index: number): void {
    this.#heap[index] = batch;
    batch.heapIndex = index;
  }

  #rise(batch: StoredBatch): void {
    while (batch.heapIndex > 0) {
      const index = batch.heapIndex;
      const parent = this.#heap[(index - 1) >> 1] as StoredBatch;
      if (!isBefore(batch, parent)) return;
      this.#place(batch, parent.heapIndex);
      this.#place(parent, index);
    }
  }

  #sink(batch: StoredBatch): void {
    for (;;) {
      const index = batch.heapIndex;
      const left = this.#heap[2 * index + 1];
      if (left === undefined) return;
      const right = this.#heap[2 * index + 2];
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, batch)) return;
      this.#place(batch, child.heapIndex);
      this.#place(child, index);
    }
  }
}

/** Rings once, at the earliest time that was set. Nothing may be due any more when it rings. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #running: { readonly at: number; readonly controller: AbortController } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  setNoLaterThan(at: number): void {
    if (this.#running !== undefined && this.#running.at <= at) return;
    this.cancel();
    const running = { at, controller: new AbortController() };
    this.#running = running;
    void this.#clock.sleep(Math.max(1, at - this.#clock.now()), { signal: running.controller.signal }).then(() => {
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#ring();
    });
  }

  cancel(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.controller.abort();
  }
}
