/**
 * The queue: at-least-once delivery of opaque batches, in order within a producer except by redelivery.
 * Memory, Redis and HTTP implementations pass `test/conformance/queue.ts`.
 *
 * Not promised: exactly-once delivery (the store is idempotent instead), order between producers, and, with the
 * memory implementation, survival of the process.
 *
 * Errors: every method throws `AppError` `unavailable` when the queue is away; the same call may be repeated.
 * `AppError` `invalid` for arguments outside the stated bounds, before anything is changed. Lists of receipts and ids
 * hold at most `MAX_CALL_ITEMS`; durations are whole milliseconds.
 *
 * A lease or delay ends the instant its time is over, whether or not anyone asks: what was leased goes to the tail with
 * one attempt used (a dead letter after `maxDeliveries`), in the order in which leases and delays end.
 */

/** Where in its source a producer's batch ends: opaque to the queue, at most 4 KiB of text. */
export type Position = string;

export interface ProducerPosition {
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: Position;
}

export interface OpenedProducer {
  /** The new life's number, greater than every earlier one; those are fenced from now on. */
  readonly epoch: number;
  /** Number of the last accepted batch of any life; the next one published is `seq + 1`. 0: none yet. */
  readonly seq: number;
  /** Its position; null when there is none. */
  readonly position: Position | null;
  /** Of a producer without an accepted batch: the positions of those named in `inherit` that have one. Else empty. */
  readonly inherited: readonly ProducerPosition[];
}

export interface OutgoingBatch {
  readonly seq: number;
  /** Encoded batch; the queue never looks into it. At most `MAX_BATCH_BYTES`. Not to be written to once published. */
  readonly body: Uint8Array;
  /** Readings in it, for the counters. */
  readonly readings: number;
  readonly position: Position;
}

export type PublishOutcome =
  | { readonly kind: "accepted" }
  /** Already accepted, all of them: success. */
  | { readonly kind: "duplicate" }
  /** Nothing accepted: the queue's last is `last`; go back to `last + 1`. */
  | { readonly kind: "gap"; readonly last: number }
  /** Nothing accepted: a newer life has been opened; stop. */
  | { readonly kind: "fenced" }
  /** Nothing accepted: no room; wait. */
  | { readonly kind: "full"; readonly retryAfterMs: number };

export interface Delivery {
  readonly id: string;
  /** Names this hand-over; a later hand-over of the same batch has another. */
  readonly receipt: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly body: Uint8Array;
  readonly readings: number;
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: Position;
  /** How long from now the delivery is this consumer's. */
  readonly leaseMs: number;
}

export interface ClaimRequest {
  /** 1 to 1,000 deliveries. */
  readonly max: number;
  /**
   * Bound on the bodies together; the first delivery is handed out even when larger. An implementation may hand out
   * less, but 64 MiB at least.
   */
  readonly maxBytes: number;
  /** 1 to `MAX_LEASE_MS`. */
  readonly leaseMs: number;
  /** How long to wait when nothing is ready, up to `MAX_WAIT_MS`; 0 returns at once. */
  readonly waitMs: number;
  /** Ends the wait with an empty answer; nothing stays leased to a caller that left. */
  readonly signal?: AbortSignal | undefined;
}

export type NackMode =
  /**
   * Back to the tail after the delay (0 to `MAX_DELAY_MS`), one attempt used; a dead letter after `maxDeliveries`.
   * Reasons are cut at `MAX_REASON_LENGTH`.
   */
  | { readonly kind: "retry"; readonly delayMs: number; readonly reason: string }
  /** A dead letter at once: this batch can never be stored. */
  | { readonly kind: "reject"; readonly reason: string }
  /** Back to the head, no attempt used: shutdown or outage. Several released in one call keep the call's order. */
  | { readonly kind: "release" };

export interface DeadLetter {
  readonly id: string;
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly readings: number;
  readonly bytes: number;
  readonly attempts: number;
  readonly reason: string;
  /** Milliseconds since the epoch by the queue's clock. */
  readonly publishedAt: number;
  readonly diedAt: number;
  readonly body: Uint8Array;
}

export interface DeadLetterPage {
  /** Oldest first. */
  readonly letters: readonly DeadLetter[];
  readonly total: number;
  /** Pass as `after` for the next page; null: no more. */
  readonly next: string | null;
}

export interface DeadLetters {
  /**
   * `limit` 1 to 1,000. A page may hold fewer although more are there: `next` alone says. Its bodies together are at
   * most `MAX_PAGE_BYTES`, or one.
   */
  list(options: { limit: number; after?: string | undefined }): Promise<DeadLetterPage>;
  /** Back to the tail with no attempt used, as many as there is room for; all when `ids` is absent. Returns how many. */
  redrive(ids?: readonly string[]): Promise<number>;
  /** Deleted for good; all when `ids` is absent. Returns how many. */
  purge(ids?: readonly string[]): Promise<number>;
}

export interface QueueStats {
  readonly ready: number;
  readonly leased: number;
  readonly delayed: number;
  readonly dead: number;
  /** Bytes of ready, leased and delayed bodies. */
  readonly bytes: number;
  /** Age of the oldest ready batch; 0 when none. */
  readonly oldestAgeMs: number;
  /** Batches that nobody will deliver; anything but 0 is a defect. */
  readonly orphans: number;
  readonly counters: Readonly<Record<QueueCounter, number>>;
}

/**
 * In batches: published, duplicates, claimed (hand-overs), acked, nacked (retry and reject), released, expired (leases),
 * dead, redriven, purged (also dead letters dropped for room). In readings: readings (published). In calls: gaps,
 * fenced, rejected (full). At rest: published = acked + purged + ready + leased + delayed + dead.
 */
export const QUEUE_COUNTERS = [
  "published",
  "readings",
  "duplicates",
  "gaps",
  "fenced",
  "rejected",
  "claimed",
  "acked",
  "nacked",
  "released",
  "expired",
  "dead",
  "redriven",
  "purged",
] as const;
export type QueueCounter = (typeof QUEUE_COUNTERS)[number];

/** Ready, leased and delayed batches that a queue holds, however small they are. */
export const MAX_BATCHES = 1_000_000;
/**
 * Bodies of dead letters together, as a share of the queue's bound on bytes. Beyond it the oldest are deleted (`purged`);
 * the newest is kept even when it is larger.
 */
export const DEAD_LETTER_SHARE = 0.25;

/** The `reason` of a dead letter whose last delivery ended with its lease, without an ack or a nack. */
export const EXPIRED_REASON = "lease ended without an answer from the consumer";

export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
export const MAX_PAGE_BYTES = 32 * 1024 * 1024;
export const MAX_POSITION_LENGTH = 4096;
export const MAX_PRODUCER_LENGTH = 1024;
export const MAX_REASON_LENGTH = 1000;
export const MAX_CALL_ITEMS = 1000;
export const MAX_LEASE_MS = 12 * 3_600_000;
export const MAX_DELAY_MS = 12 * 3_600_000;
export const MAX_WAIT_MS = 60_000;

/** What a streamer needs. */
export interface ProducerQueue {
  /** Idempotent only in effect: each call begins a new life and fences the older ones. */
  openProducer(producer: string, options?: { inherit?: readonly string[] }): Promise<OpenedProducer>;
  /**
   * All accepted in order and their positions kept in the same step, or none. `seq`s are consecutive. A call whose
   * leading batches were accepted before (a lost reply) accepts the rest. 1 to 1,000 batches.
   *
   * A life that the queue does not know, with a greater epoch than the one it knows, was opened before the queue lost
   * what it knew: it is taken for the newest from now on, and judged as usual. Of a producer without an accepted batch
   * the last is 0: whatever does not begin with 1 is a gap.
   * @throws AppError `too_large` for a call that not even an empty queue has room for, or that is beyond what an
   * implementation takes in one call, which is 64 MiB at least
   */
  publish(batches: readonly OutgoingBatch[], from: { producer: string; epoch: number }): Promise<PublishOutcome>;
}

/** What a collector needs. */
export interface ConsumerQueue {
  /**
   * From the head, at once when something is ready, else waits. What has expired is returned before anything is handed
   * out.
   */
  claim(request: ClaimRequest): Promise<readonly Delivery[]>;
  /**
   * True per receipt where a batch was removed by this call. Accepted even after the lease ended, also while the batch
   * is ready, delayed or leased to another: stored is stored. Dead letters stay.
   */
  ack(receipts: readonly string[]): Promise<readonly boolean[]>;
  /** True per receipt where the delivery was still the caller's; a stale receipt changes nothing. */
  nack(receipts: readonly string[], mode: NackMode): Promise<readonly boolean[]>;
  /** Renews; false per receipt that is no longer the caller's. */
  extend(receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]>;
}

export interface Queue extends ProducerQueue, ConsumerQueue, AsyncDisposable {
  readonly deadLetters: DeadLetters;
  stats(): Promise<QueueStats>;
}
