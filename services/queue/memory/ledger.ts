/** Holds the state of every batch of the memory queue. Its methods are synchronous, so each is one atomic step. */
import {
  type ClaimRequest,
  type DeadLetterPage,
  type Delivery,
  EXPIRED_REASON,
  type NackMode,
  type OutgoingBatch,
  QUEUE_COUNTERS,
  type QueueCounter,
  type QueueStats,
} from "../port.ts";
import { createBatch, parseReceipt, ReadyLine, receiptOf, type StoredBatch } from "./batch.ts";
import { DeadLetterShelf } from "./dead-letters.ts";
import { DeadlineHeap } from "./deadlines.ts";

export interface LedgerBounds {
  readonly maxBytes: number;
  readonly maxBatches: number;
  readonly maxDeliveries: number;
  readonly maxDeadBytes: number;
}

export class BatchLedger {
  readonly counters = Object.fromEntries(QUEUE_COUNTERS.map((name) => [name, 0])) as Record<QueueCounter, number>;
  readonly #bounds: LedgerBounds;
  /** Ready, leased and delayed batches by id. */
  readonly #batches = new Map<string, StoredBatch>();
  readonly #ready = new ReadyLine();
  readonly #leases = new DeadlineHeap();
  readonly #delays = new DeadlineHeap();
  readonly #dead: DeadLetterShelf;
  #bytes = 0;
  #lastId = 0;

  constructor(bounds: LedgerBounds) {
    this.#bounds = bounds;
    this.#dead = new DeadLetterShelf(bounds.maxDeadBytes);
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** When the next lease or delay ends. */
  get nextDueAt(): number | undefined {
    const lease = this.#leases.first?.dueAt;
    const delay = this.#delays.first?.dueAt;
    return lease === undefined || delay === undefined ? (lease ?? delay) : Math.min(lease, delay);
  }

  hasRoom(batches: number, bytes: number): boolean {
    return this.#bytes + bytes <= this.#bounds.maxBytes && this.#batches.size + batches <= this.#bounds.maxBatches;
  }

  accept(batch: OutgoingBatch, from: { producer: string; epoch: number }, now: number): void {
    this.#enter(createBatch(String(++this.#lastId), batch, from, now));
    this.counters.published++;
    this.counters.readings += batch.readings;
  }

  /** Ends every lease and delay whose time is over, earliest end first. */
  settle(now: number): void {
    for (;;) {
      const lease = this.#leases.first;
      const delay = this.#delays.first;
      const leaseFirst = delay === undefined || (lease !== undefined && lease.dueAt <= delay.dueAt);
      const due = leaseFirst ? lease : delay;
      if (due === undefined || due.dueAt > now) return;
      if (leaseFirst) {
        this.#leases.remove(due);
        this.counters.expired++;
        this.#return(due, 0, EXPIRED_REASON, now);
      } else {
        this.#delays.remove(due);
        this.#ready.pushTail(due);
      }
    }
  }

  take({ max, maxBytes, leaseMs }: ClaimRequest, now: number): Delivery[] {
    const deliveries: Delivery[] = [];
    let bytes = 0;
    for (let batch = this.#ready.head; batch !== null && deliveries.length < max; batch = this.#ready.head) {
      bytes += batch.body.byteLength;
      if (bytes > maxBytes && deliveries.length > 0) break;
      this.#ready.remove(batch);
      this.#leases.add(batch, now + leaseMs);
      batch.place = "leased";
      batch.handover++;
      const { id, body, readings, producer, epoch, seq, position } = batch;
      const receipt = receiptOf(batch);
      deliveries.push({
        id,
        receipt,
        attempt: batch.returns + 1,
        body,
        readings,
        producer,
        epoch,
        seq,
        position,
        leaseMs,
      });
    }
    this.counters.claimed += deliveries.length;
    return deliveries;
  }

  ack(receipt: string): boolean {
    const named = parseReceipt(receipt);
    const batch = named && this.#batches.get(named.id);
    if (batch === undefined) return false;
    this.#leave(batch);
    this.counters.acked++;
    return true;
  }

  nack(receipts: readonly string[], mode: NackMode, reason: string, now: number): boolean[] {
    const held = receipts.map((receipt) => {
      const batch = this.#heldBy(receipt);
      if (batch !== undefined) this.#giveBack(batch, mode, reason, now);
      return batch;
    });
    if (mode.kind === "release") {
      for (const batch of held.toReversed()) if (batch?.place === "ready") this.#ready.pushHead(batch);
    }
    return held.map((batch) => batch !== undefined);
  }

  extend(receipt: string, until: number): boolean {
    const batch = this.#heldBy(receipt);
    if (batch !== undefined) this.#leases.renew(batch, until);
    return batch !== undefined;
  }

  deadLetters(limit: number, after: number): DeadLetterPage {
    return this.#dead.page(limit, after);
  }

  redrive(ids: readonly string[] | undefined): number {
    const redriven = this.#dead.take(ids, (batch) => {
      if (!this.hasRoom(1, batch.body.byteLength)) return false;
      batch.returns = 0;
      this.#enter(batch);
      return true;
    });
    this.counters.redriven += redriven;
    return redriven;
  }

  purge(ids: readonly string[] | undefined): number {
    const purged = this.#dead.take(ids, () => true);
    this.counters.purged += purged;
    return purged;
  }

  stats(now: number): QueueStats {
    const oldest = this.#ready.oldestPublishedAt();
    const [ready, leased, delayed] = [this.#ready.size, this.#leases.size, this.#delays.size];
    return {
      ready,
      leased,
      delayed,
      dead: this.#dead.size,
      bytes: this.#bytes,
      oldestAgeMs: oldest === undefined ? 0 : Math.max(0, now - oldest),
      orphans: this.#batches.size - ready - leased - delayed,
      counters: { ...this.counters },
    };
  }

  #enter(batch: StoredBatch): void {
    this.#batches.set(batch.id, batch);
    this.#bytes += batch.body.byteLength;
    this.#ready.pushTail(batch);
  }

  #leave(batch: StoredBatch): void {
    this.#batches.delete(batch.id);
    this.#bytes -= batch.body.byteLength;
    if (batch.place === "ready") this.#ready.remove(batch);
    else if (batch.place === "leased") this.#leases.remove(batch);
    else if (batch.place === "delayed") this.#delays.remove(batch);
  }

  #heldBy(receipt: string): StoredBatch | undefined {
    const named = parseReceipt(receipt);
    const batch = named && this.#batches.get(named.id);
    return batch?.place === "leased" && batch.handover === named?.handover ? batch : undefined;
  }

  /**
   * Takes back one batch. Does not add a batch that is released without a delay to `#ready`: the caller adds all of
   * them in their order.
   */
  #giveBack(batch: StoredBatch, mode: NackMode, reason: string, now: number): void {
    this.#leases.remove(batch);
    switch (mode.kind) {
      case "release":
        this.counters.released++;
        if (mode.delayMs === undefined || mode.delayMs === 0) batch.place = "ready";
        else this.#delay(batch, now + mode.delayMs);
        return;
      case "reject":
        this.counters.nacked++;
        batch.returns++;
        this.#bury(batch, reason, now);
        return;
      case "retry":
        this.counters.nacked++;
        this.#return(batch, mode.delayMs, reason, now);
        return;
      default:
        mode satisfies never;
    }
  }

  /** Returns the batch to the tail, at once or after a delay, or buries it when every attempt is used. */
  #return(batch: StoredBatch, delayMs: number, reason: string, now: number): void {
    batch.returns++;
    if (batch.returns >= this.#bounds.maxDeliveries) {
      this.#bury(batch, reason, now);
    } else if (delayMs > 0) {
      this.#delay(batch, now + delayMs);
    } else {
      this.#ready.pushTail(batch);
    }
  }

  #delay(batch: StoredBatch, until: number): void {
    batch.place = "delayed";
    this.#delays.add(batch, until);
  }

  #bury(batch: StoredBatch, reason: string, now: number): void {
    batch.place = "dead";
    this.#leave(batch);
    this.counters.dead++;
    this.counters.purged += this.#dead.add(batch, reason, now);
  }
}
