/**
 * The queue in this process, for the embedded wiring. Its content is lost with the process, so the positions of
 * producers come from the store (`restore`). Waiting claims are served in the order of their calls.
 */
import { AppError } from "../../../schema/model/errors.ts";
import type { Clock } from "../../platform/process/clock.ts";
import {
  checkClaim,
  checkDeadLetterPage,
  checkExtend,
  checkIds,
  checkNack,
  checkOpen,
  checkPublish,
  checkReceipts,
  refuseEpoch,
} from "../arguments.ts";
import {
  type ClaimRequest,
  DEAD_LETTER_SHARE,
  type DeadLetters,
  type Delivery,
  MAX_BATCHES,
  MAX_EPOCH_AHEAD_MS,
  type NackMode,
  type OutgoingBatch,
  type PublishOutcome,
  type Queue,
} from "../port.ts";
import { Alarm } from "./deadlines.ts";
import { BatchLedger } from "./ledger.ts";
import { Producers, type RestorePosition } from "./producers.ts";
import { Waiters } from "./waiters.ts";

/** `retryAfterMs` of a full queue. A consumer in the same process makes room within milliseconds. */
const FULL_RETRY_MS = 50;

export interface MemoryQueueOptions {
  readonly clock: Clock;
  /** Bound on the bytes of ready, leased and delayed bodies together. */
  readonly maxBytes: number;
  /** Attempts before a batch becomes a dead letter. */
  readonly maxDeliveries: number;
  /**
   * Reads a producer's position from the store. Called for producers that this process has not seen, including those in
   * `inherit`. Without `restore`, such producers have no position.
   */
  readonly restore?: RestorePosition | undefined;
}

class MemoryQueue implements Queue {
  readonly deadLetters: DeadLetters = {
    list: async (options) => {
      const after = checkDeadLetterPage(options);
      this.#settle();
      return this.#ledger.deadLetters(options.limit, after);
    },
    redrive: async (ids) => {
      checkIds(ids);
      this.#settle();
      const redriven = this.#ledger.redrive(ids);
      this.#serve();
      return redriven;
    },
    purge: async (ids) => {
      checkIds(ids);
      this.#settle();
      return this.#ledger.purge(ids);
    },
  };
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #ledger: BatchLedger;
  readonly #producers: Producers;
  readonly #waiters: Waiters;
  readonly #alarm: Alarm;
  #closed = false;

  constructor(options: MemoryQueueOptions) {
    const { clock, maxBytes, maxDeliveries } = options;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#ledger = new BatchLedger({
      maxBytes,
      maxBatches: MAX_BATCHES,
      maxDeliveries,
      maxDeadBytes: maxBytes * DEAD_LETTER_SHARE,
    });
    this.#producers = new Producers(options.restore);
    this.#waiters = new Waiters(clock, () => this.#serve());
    this.#alarm = new Alarm(clock, () => this.#serve());
  }

  async openProducer(producer: string, { inherit = [] }: { inherit?: readonly string[] } = {}) {
    checkOpen(producer, inherit);
    this.#settle();
    return this.#producers.open(producer, inherit);
  }

  async publish(
    batches: readonly OutgoingBatch[],
    { producer, epoch }: { producer: string; epoch: number },
  ): Promise<PublishOutcome> {
    checkPublish(batches, { producer, epoch });
    this.#settle();
    const { counters } = this.#ledger;
    let state = this.#producers.get(producer);
    if (state === undefined) {
      state = await this.#producers.load(producer);
      this.#settle();
    }
    if (epoch > state.epoch && epoch > this.#clock.now() + MAX_EPOCH_AHEAD_MS) refuseEpoch(epoch);
    if (epoch < state.epoch) {
      counters.fenced++;
      return { kind: "fenced" };
    }
    const fresh = batches.filter(({ seq }) => seq > state.seq);
    const last = fresh.at(-1);
    if (last === undefined) {
      state.epoch = epoch;
      counters.duplicates += batches.length;
      return { kind: "duplicate" };
    }
    if (last.seq - state.seq > fresh.length) {
      state.epoch = epoch;
      counters.gaps++;
      return { kind: "gap", last: state.seq };
    }
    const bytes = fresh.reduce((sum, { body }) => sum + body.byteLength, 0);
    if (bytes > this.#maxBytes) {
      const message = `Queue: the bodies of a publish must be at most ${this.#maxBytes} bytes together, got ${bytes}`;
      throw new AppError(message, { code: "too_large" });
    }
    state.epoch = epoch;
    if (!this.#ledger.hasRoom(fresh.length, bytes)) {
      counters.rejected++;
      return { kind: "full", retryAfterMs: FULL_RETRY_MS };
    }
    counters.duplicates += batches.length - fresh.length;
    const now = this.#clock.now();
    for (const batch of fresh) this.#ledger.accept(batch, { producer, epoch }, now);
    state.seq = last.seq;
    state.position = last.position;
    this.#serve();
    return { kind: "accepted" };
  }

  async claim(request: ClaimRequest): Promise<readonly Delivery[]> {
    checkClaim(request);
    this.#settle();
    if (request.signal?.aborted) return [];
    this.#serve();
    if (this.#ledger.hasReady) return this.#ledger.take(request, this.#clock.now());
    if (request.waitMs === 0) return [];
    const answer = this.#waiters.wait(request);
    this.#serve();
    try {
      return await answer;
    } finally {
      if (this.#waiters.size === 0) this.#alarm.cancel();
    }
  }

  async ack(receipts: readonly string[]): Promise<readonly boolean[]> {
    checkReceipts(receipts);
    this.#settle();
    return receipts.map((receipt) => this.#ledger.ack(receipt));
  }

  async nack(receipts: readonly string[], mode: NackMode): Promise<readonly boolean[]> {
    const reason = checkNack(receipts, mode);
    this.#settle();
    const results = this.#ledger.nack(receipts, mode, reason, this.#clock.now());
    this.#serve();
    return results;
  }

  async extend(receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]> {
    checkExtend(receipts, leaseMs);
    this.#settle();
    const until = this.#clock.now() + leaseMs;
    const results = receipts.map((receipt) => this.#ledger.extend(receipt, until));
    this.#serve();
    return results;
  }

  async stats() {
    this.#settle();
    return this.#ledger.stats(this.#clock.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#alarm.cancel();
    this.#waiters.endAll();
  }

  /**
   * Every call begins with `#settle`, so that leases and delays whose time is over end before anything else happens.
   */
  #settle(): void {
    if (this.#closed) throw new AppError("The queue is closed", { code: "unavailable" });
    this.#ledger.settle(this.#clock.now());
  }

  /** Delivers ready batches to waiting claims, and sets the alarm to the next deadline while claims still wait. */
  #serve(): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    this.#ledger.settle(now);
    while (this.#ledger.hasReady && this.#waiters.serve((request) => this.#ledger.take(request, now)));
    const next = this.#ledger.nextDueAt;
    if (this.#waiters.size === 0) this.#alarm.cancel();
    else if (next !== undefined) this.#alarm.setNoLaterThan(next);
  }
}

/** Opens an empty queue. `openProducer` and the first `publish` of a producer throw the errors of `restore`. */
export const openMemoryQueue = (options: MemoryQueueOptions): Queue => new MemoryQueue(options);
