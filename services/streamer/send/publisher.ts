/**
 * Publishes one producer's batches in order. One call is in flight at a time; batches sent meanwhile go out together
 * in the next call, so a slow queue does not hold up reading and cutting.
 */
import type { Batch } from "../../../schema/batch/batch.ts";
import { AppError, isAppError } from "../../../schema/model/errors.ts";
import { MAX_CALL_ITEMS, type OutgoingBatch, type ProducerQueue } from "../../queue/port.ts";
import type { StreamPosition } from "./position.ts";
import type { QueueCalls } from "./queue-calls.ts";

/** Limits of batches that wait to be published. */
const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_WAITING = 100;

export interface SealedBatch extends OutgoingBatch {
  readonly batch: Batch;
  /** The decoded `position`. */
  readonly at: StreamPosition;
}

/** The queue has lost batches. All batches after `last`, its last accepted batch, must be cut and sent again. */
export interface Gap {
  readonly last: number;
}

export interface PublisherOptions {
  readonly queue: ProducerQueue;
  readonly queueCalls: QueueCalls;
  readonly producer: string;
  readonly epoch: number;
  readonly onConfirmed: (batch: SealedBatch) => void;
}

/** Stops silently when the run's signal aborts; unconfirmed batches may have been accepted or not. */
export class Publisher {
  readonly #options: PublisherOptions;
  #waiting: SealedBatch[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  /** Resolves when the call in flight is answered. */
  #answer = Promise.withResolvers<void>();
  #gap: Gap | null = null;
  #fault: unknown;
  /** Maximum of batches in a call; reduced when a call was too large for the queue. */
  #callItems = MAX_CALL_ITEMS;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when there is room for another batch.
   * @throws AppError `conflict` if a newer life of the producer has been opened; other errors of the queue as they are
   */
  async send(batch: SealedBatch): Promise<Gap | null> {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.body.byteLength;
    if (this.#gap === null && this.#fault === undefined) this.#running ??= this.#run();
    while (
      this.#running !== undefined &&
      (this.#waiting.length > MAX_WAITING || this.#waitingBytes > MAX_WAITING_BYTES)
    ) {
      await this.#answer.promise;
    }
    return this.#outcome();
  }

  /** Resolves when all batches are confirmed. @throws AppError as `send` */
  async flush(): Promise<Gap | null> {
    await this.#running;
    return this.#outcome();
  }

  #outcome(): Gap | null {
    if (this.#fault !== undefined) throw this.#fault;
    return this.#gap;
  }

  async #run(): Promise<void> {
    // A caller of `send` must not wait on an earlier, settled answer: it would spin without ever yielding.
    this.#answer = Promise.withResolvers();
    try {
      while (this.#waiting.length > 0 && (await this.#publish(this.#waiting.slice(0, this.#callItems)))) {
        this.#answer.resolve();
        this.#answer = Promise.withResolvers();
      }
    } catch (error) {
      this.#fault = error;
    } finally {
      this.#running = undefined;
      this.#answer.resolve();
    }
  }

  /** Returns false if nothing more can be published. */
  async #publish(batches: readonly SealedBatch[]): Promise<boolean> {
    const { queue, queueCalls, producer, epoch, onConfirmed } = this.#options;
    const outgoing = batches.map(({ seq, body, readings, position }) => ({ seq, body, readings, position }));
    const outcome = await queueCalls
      .untilAnswered(() => queue.publish(outgoing, { producer, epoch }))
      .catch((error: unknown) => {
        if (!isAppError(error, "too_large") || batches.length === 1) throw error;
        return { kind: "divide" } as const;
      });
    switch (outcome?.kind) {
      case undefined:
        return false;
      case "divide":
        this.#callItems = batches.length >> 1;
        return true;
      case "accepted":
      case "duplicate":
        this.#waiting = this.#waiting.slice(batches.length);
        for (const batch of batches) {
          this.#waitingBytes -= batch.body.byteLength;
          onConfirmed(batch);
        }
        return true;
      case "full":
        await queueCalls.whileFull(outcome.retryAfterMs);
        return true;
      case "gap":
        this.#gap = { last: outcome.last };
        return false;
      case "fenced":
        throw new AppError(`Producer ${producer} has been opened by another streamer, so epoch ${epoch} is over`, {
          code: "conflict",
        });
      default:
        return outcome satisfies never;
    }
  }
}
