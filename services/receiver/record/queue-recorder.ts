/**
 * Publishes received batches to the queue, and resolves once the queue has them. Requests that arrive during a call
 * are published together in the next one. Whatever fails, the requests of that call are answered, and their senders
 * send them again: a batch that the queue has after all is then there twice, and the store takes it once.
 */
import { AppError, messageOf } from "../../../schema/model/errors.ts";
import type { Availability } from "../../platform/process/availability.ts";
import { MAX_CALL_ITEMS, type OutgoingBatch, type ProducerQueue } from "../../queue/port.ts";
import type { EncodedBatch } from "../series/intake.ts";
import type { Recorder } from "./recorder.ts";

/** Bytes published in one call; a single request may have more. */
const CALL_BYTES = 4 * 1024 * 1024;
/** Bytes that wait for the queue; further requests are refused. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const RETRY_AFTER_MS = 2000;

interface Waiting {
  readonly batches: readonly EncodedBatch[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: AppError) => void;
}

interface Life {
  readonly epoch: number;
  seq: number;
}

export interface QueueRecorderOptions {
  readonly queue: ProducerQueue;
  /** Differs between processes: a second one of the same name would fence the first. */
  readonly producer: string;
  /** Told how calls end; calls are not retried here, because senders retry. */
  readonly availability: Availability;
}

const away = (reason: string, retryAfterMs = RETRY_AFTER_MS): AppError =>
  new AppError(reason, { code: "unavailable", retryAfterMs });

export class QueueRecorder implements Recorder {
  readonly #options: QueueRecorderOptions;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #publishing: Promise<void> | undefined;
  /** Undefined before the first call, and after one whose outcome is not known. */
  #life: Life | undefined;

  constructor(options: QueueRecorderOptions) {
    this.#options = options;
  }

  record(batches: readonly EncodedBatch[]): Promise<void> {
    if (batches.length === 0) return Promise.resolve();
    const bytes = batches.reduce((sum, { body }) => sum + body.byteLength, 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      return Promise.reject(away("The queue takes metrics more slowly than they arrive"));
    }
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batches, bytes, resolve, reject });
      this.#publishing ??= this.#publishAll();
    });
  }

  async #publishAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const call = this.#nextCall();
      const failure = await this.#publish(call.flatMap(({ batches }) => batches));
      for (const { bytes, resolve, reject } of call) {
        this.#waitingBytes -= bytes;
        if (failure === null) resolve();
        else reject(failure);
      }
    }
    this.#publishing = undefined;
  }

  /** Takes requests from the list, at least one. */
  #nextCall(): Waiting[] {
    const call: Waiting[] = [];
    let bytes = 0;
    let items = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      items += waiting.batches.length;
      if (call.length > 0 && (bytes > CALL_BYTES || items > MAX_CALL_ITEMS)) break;
      call.push(waiting);
    }
    this.#waiting.splice(0, call.length);
    return call;
  }

  async #open(): Promise<Life> {
    const { queue, producer } = this.#options;
    const { epoch, seq } = await queue.openProducer(producer, { inherit: [] });
    return { epoch, seq };
  }

  /** Returns why the batches are not known to be in the queue; null: they are. */
  async #publish(batches: readonly EncodedBatch[]): Promise<AppError | null> {
    const { queue, producer, availability } = this.#options;
    try {
      const life = this.#life ?? (await this.#open());
      this.#life = life;
      const outgoing = batches.map(
        ({ body, readings }, place): OutgoingBatch => ({
          seq: life.seq + 1 + place,
          body,
          readings,
          position: String(life.seq + 1 + place),
        }),
      );
      const outcome = await queue.publish(outgoing, { producer, epoch: life.epoch });
      availability.up();
      switch (outcome.kind) {
        case "accepted":
        case "duplicate":
          life.seq += batches.length;
          return null;
        case "full":
          return away("The queue is full", Math.max(outcome.retryAfterMs, RETRY_AFTER_MS));
        case "gap":
          life.seq = outcome.last;
          return away("The queue has lost batches");
        case "fenced":
          this.#life = undefined;
          return away("Another process has opened the same producer");
        default:
          return outcome satisfies never;
      }
    } catch (error) {
      // Whether the queue has the batches is not known, so the next call asks for the number of the last one.
      this.#life = undefined;
      availability.down(messageOf(error));
      return new AppError("The queue is unavailable", {
        code: "unavailable",
        cause: error,
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
  }
}
