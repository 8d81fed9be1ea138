/**
 * The queue: delivers opaque batches at least once, in the order of each producer except for redeliveries.
 * The memory, Redis and HTTP implementations pass `test/conformance/queue.ts`.
 *
 * Not promised: exactly-once delivery (the store is idempotent instead), order between producers, and, with the memory
 * implementation, survival of the process.
 *
 * Every method throws
 * - `AppError` `unavailable` when the queue cannot be reached; the same call may be repeated;
 * - `AppError` `invalid` for an argument out of bounds, before anything changes. Lists of receipts and of ids hold at
 *   most `MAX_CALL_ITEMS`; durations are whole milliseconds.
 *
 * A lease or a delay ends on time, even if no call is made. A batch whose lease has ended goes to the tail with one
 * attempt used, or to the dead letters after `maxDeliveries` attempts; a batch whose delay has ended goes to the tail.
 * Batches return in the order in which their leases and delays end.
 */

/** Where a batch ends in the source of its producer: text that the queue never reads, at most `MAX_POSITION_LENGTH`. */
export type Position = string;

export interface ProducerPosition {
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: Position;
}

export interface OpenedProducer {
  /**
   * Number of the life that this call begins. It is greater than the numbers of all earlier lives, which are now
   * fenced.
   */
  readonly epoch: number;
  /** Number of the last accepted batch of any life; publish `seq + 1` next. 0: no batch was accepted. */
  readonly seq: number;
  /** Position of the last accepted batch; null if no batch was accepted. */
  readonly position: Position | null;
  /** Positions of the producers in `inherit` that have one. Empty if this producer has an accepted batch of its own. */
  readonly inherited: readonly ProducerPosition[];
}

export interface OutgoingBatch {
  readonly seq: number;
  /** The encoded batch, at most `MAX_BATCH_BYTES`. The queue never decodes it. Do not write to it once published. */
  readonly body: Uint8Array;
  /** How many readings the body holds, for the counters. */
  readonly readings: number;
  readonly position: Position;
}

export type PublishOutcome =
  | { readonly kind: "accepted" }
  /** Success: all batches had been accepted before. */
  | { readonly kind: "duplicate" }
  /** Nothing is accepted: the queue lacks the batches between `last` and this call. Resume from `last + 1`. */
  | { readonly kind: "gap"; readonly last: number }
  /** Nothing is accepted: a newer life of the producer has been opened. Stop. */
  | { readonly kind: "fenced" }
  /** Nothing is accepted: the queue has no room. Publish the same batches again after `retryAfterMs`. */
  | { readonly kind: "full"; readonly retryAfterMs: number };

export interface Delivery {
  readonly id: string;
  /** Identifies this delivery of the batch; a later delivery of the same batch has another receipt. */
  readonly receipt: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly body: Uint8Array;
  readonly readings: number;
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly position: Position;
  /** How long the lease lasts, from now. */
  readonly leaseMs: number;
}

export interface ClaimRequest {
  /** 1 to 1,000 deliveries. */
  readonly max: number;
  /**
   * Bound on the total size of the bodies. The first delivery is returned even if it is larger. An implementation may
   * use a smaller bound, but not one below 64 MiB.
   */
  readonly maxBytes: number;
  /** 1 to `MAX_LEASE_MS`. */
  readonly leaseMs: number;
  /** How long to wait if no batch is ready: 0 (return at once) to `MAX_WAIT_MS`. */
  readonly waitMs: number;
  /** Ends the wait with an empty answer. No batch stays leased to a caller whose signal has aborted. */
  readonly signal?: AbortSignal | undefined;
}

export type NackMode =
  /**
   * Returns the batch to the tail after the delay (0 to `MAX_DELAY_MS`) with one attempt used, or makes it a dead
   * letter after `maxDeliveries` attempts. Reasons are cut at `MAX_REASON_LENGTH`.
   */
  | { readonly kind: "retry"; readonly delayMs: number; readonly reason: string }
  /** Makes the batch a dead letter at once, because it can never be stored. */
  | { readonly kind: "reject"; readonly reason: string }
  /**
   * Returns the batch with no attempt used. Without a delay: to the head, in the order of the receipts, for a shutdown
   * or an outage. With one (up to `MAX_DELAY_MS`): to the tail after it, for a batch that another consumer may
   * understand.
   */
  | { readonly kind: "release"; readonly delayMs?: number };

export interface DeadLetter {
  readonly id: string;
  readonly producer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly readings: number;
  readonly bytes: number;
  readonly attempts: number;
  readonly reason: string;
  /** Both in milliseconds since the epoch, by the queue's clock. */
  readonly publishedAt: number;
  readonly diedAt: number;
  readonly body: Uint8Array;
}

export interface DeadLetterPage {
  /** Oldest first. */
  readonly letters: readonly DeadLetter[];
  readonly total: number;
  /** Pass as `after` for the next page; null when this is the last page. */
  readonly next: string | null;
}

export interface DeadLetters {
  /**
   * `limit` is 1 to 1,000. The bodies of a page are at most `MAX_PAGE_BYTES` together, unless a single body is larger.
   * A page may therefore have fewer than `limit` letters although more follow; only `next` tells.
   */
  list(options: { limit: number; after?: string | undefined }): Promise<DeadLetterPage>;
  /**
   * Returns letters to the tail with all attempts left, oldest first, as many as there is room for; all letters if
   * `ids` is absent. Resolves to the number returned.
   */
  redrive(ids?: readonly string[]): Promise<number>;
  /** Deletes letters for good; all letters if `ids` is absent. Resolves to the number deleted. */
  purge(ids?: readonly string[]): Promise<number>;
}

export interface QueueStats {
  readonly ready: number;
  readonly leased: number;
  readonly delayed: number;
  readonly dead: number;
  /** Bytes of ready, leased and delayed bodies together. */
  readonly bytes: number;
  /** Age of the oldest ready batch; 0 when no batch is ready. */
  readonly oldestAgeMs: number;
  /** Batches that are neither ready, leased, delayed nor dead, so will never be delivered; more than 0 is a defect. */
  readonly orphans: number;
  readonly counters: Readonly<Record<QueueCounter, number>>;
}

/** Between calls, published = acked + purged + ready + leased + delayed + dead. */
export const QUEUE_COUNTERS = [
  "published", // batches accepted
  "readings", // readings in accepted batches
  "duplicates", // batches published again after they had been accepted
  "gaps", // publishes answered `gap`
  "fenced", // publishes answered `fenced`
  "rejected", // publishes answered `full`
  "claimed", // deliveries
  "acked", // batches removed by an ack
  "nacked", // deliveries returned with `retry` or `reject`
  "released", // deliveries returned with `release`
  "expired", // leases that ended without an answer
  "dead", // batches that became dead letters
  "redriven", // dead letters returned to the queue
  "purged", // dead letters deleted, by a call or to keep their bound on bytes
] as const;
export type QueueCounter = (typeof QUEUE_COUNTERS)[number];

/** Bound on the number of ready, leased and delayed batches together, whatever their size. */
export const MAX_BATCHES = 1_000_000;
/**
 * Bound on the total size of dead letters' bodies, as a share of the queue's bound on bytes. Above it, the oldest
 * letters are deleted (counter `purged`); the newest letter is kept even if it alone exceeds the bound.
 */
export const DEAD_LETTER_SHARE = 0.25;

/** The `reason` of a dead letter whose last delivery ended with its lease, without an ack or a nack. */
export const EXPIRED_REASON = "lease ended without an answer from the consumer";

export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Bound on the total size of the bodies in one page of dead letters. */
export const MAX_PAGE_BYTES = 32 * 1024 * 1024;
export const MAX_POSITION_LENGTH = 4096;
export const MAX_PRODUCER_LENGTH = 1024;
export const MAX_REASON_LENGTH = 1000;
/** Bound on the number of batches, receipts or ids in one call. */
export const MAX_CALL_ITEMS = 1000;
export const MAX_LEASE_MS = 12 * 3_600_000;
export const MAX_DELAY_MS = 12 * 3_600_000;
export const MAX_WAIT_MS = 60_000;
/**
 * How far an unknown epoch of a publish may be ahead of the queue's clock. Epochs are times or count from 1, so
 * `openProducer` cannot have given one further ahead. Clocks of servers differ by far less than an hour.
 */
export const MAX_EPOCH_AHEAD_MS = 3_600_000;

/** The producer's side of the queue, which a streamer uses. */
export interface ProducerQueue {
  /** Begins a new life of the producer and fences the older ones. A repeated call begins another life. */
  openProducer(producer: string, options?: { inherit?: readonly string[] }): Promise<OpenedProducer>;
  /**
   * Accepts 1 to 1,000 batches of consecutive `seq`, in order, and stores the position of the last one in the same
   * atomic step; or accepts none. If the reply to an earlier call was lost, the leading batches are duplicates and the
   * rest is accepted.
   *
   * If the epoch is greater than the one that the queue knows, the queue has lost its data since it gave that epoch,
   * and the epoch becomes the newest life. For a producer without an accepted batch, `last` is 0, so a call that does
   * not begin with `seq` 1 is a gap.
   * @throws AppError `invalid` for an unknown epoch more than `MAX_EPOCH_AHEAD_MS` ahead of the queue's clock. A call
   * that throws changes nothing, so the life that the queue knows stays valid.
   * @throws AppError `too_large` for a call that not even an empty queue has room for, or that exceeds the
   * implementation's limit for one call (64 MiB or more)
   */
  publish(batches: readonly OutgoingBatch[], from: { producer: string; epoch: number }): Promise<PublishOutcome>;
}

/** The consumer's side of the queue, which a collector uses. */
export interface ConsumerQueue {
  /**
   * Leases batches from the head: at once if any is ready, otherwise after a wait. Expired leases return to the queue
   * before anything is delivered.
   */
  claim(request: ClaimRequest): Promise<readonly Delivery[]>;
  /**
   * Removes the batches. Answers per receipt whether this call removed the batch. An ack is accepted even after the
   * lease has ended, while the batch is ready, delayed or leased to another consumer, because the batch has been
   * stored. An ack of a dead letter removes nothing.
   */
  ack(receipts: readonly string[]): Promise<readonly boolean[]>;
  /** Returns the batches. Answers per receipt whether the caller still held the lease; a stale one changes nothing. */
  nack(receipts: readonly string[], mode: NackMode): Promise<readonly boolean[]>;
  /** Renews the leases, from now. Answers per receipt whether the caller still held the lease. */
  extend(receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]>;
}

export interface Queue extends ProducerQueue, ConsumerQueue, AsyncDisposable {
  readonly deadLetters: DeadLetters;
  stats(): Promise<QueueStats>;
}
