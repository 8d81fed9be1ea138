/** Sends the records of a spool to the queue, in order, each as one batch, and again where the queue has lost some. */
import { AppError, isAppError } from "../../../schema/model/errors.ts";
import type { Availability } from "../../platform/process/availability.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { OutgoingBatch, Queue } from "../../queue/port.ts";
import type { SpoolRecord } from "../segment.ts";
import type { Spool } from "../spool.ts";

/** Bytes read from the spool and published in one call. */
const CALL_BYTES = 1024 * 1024;
/** Batches whose record is remembered, so that a queue that has lost some gets no more than those again. */
const MAX_REMEMBERED = 10_000;

export interface SenderOptions {
  readonly spool: Spool;
  /** Of the spool, see `producerOf()`. */
  readonly producer: string;
  readonly queue: Pick<Queue, "openProducer" | "publish">;
  /** Retries calls while the queue is away. */
  readonly availability: Availability;
  readonly clock: Clock;
  /** Called when the queue has accepted all records up to this one. */
  readonly onAccepted: (number: number) => Promise<void>;
  /** Called when the queue lacks batches that it had accepted: records from this number on are sent again. */
  readonly onGap: (number: number) => void;
  /** Once it aborts, the spool gets no more records: the run ends when all are accepted, or when a call fails. */
  readonly complete?: AbortSignal | undefined;
}

/** The producer of a spool: its position in the queue is the number of its last accepted record. */
export const producerOf = (spool: Pick<Spool, "id">, content: "scrape" | "receive"): string =>
  `${content}/${spool.id}@0/1`;

interface Life {
  readonly epoch: number;
  /** Number of the last accepted batch, and of the record after its own. */
  seq: number;
  next: number;
}

/**
 * Runs until the signal aborts. A running call is abandoned then.
 * @throws AppError `conflict` if another process sends from this spool
 */
export async function sendFromSpool(options: SenderOptions, signal: AbortSignal): Promise<void> {
  try {
    await send(options, signal);
  } catch (error) {
    // A call that an abort has ended leaves its records in the spool for the next process.
    const isEnding = signal.aborted || options.complete?.aborted === true;
    if (!isEnding || !isAppError(error, "unavailable")) throw error;
  }
}

async function send(options: SenderOptions, signal: AbortSignal): Promise<void> {
  const { spool, producer, queue, availability, clock, onAccepted, onGap } = options;
  const ending = AbortSignal.any([signal, ...(options.complete === undefined ? [] : [options.complete])]);
  const until = <T>(call: () => Promise<T>) => availability.untilAvailable(call, { signal: ending, deadline: signal });
  const opened = await until(() => queue.openProducer(producer, { inherit: [] }));
  // If the disk has lost confirmed records, the spool gives their numbers to new ones, which must not be passed over.
  const next = Math.min(Number(opened.position ?? 0) + 1, spool.next);
  const life: Life = { epoch: opened.epoch, seq: opened.seq, next };
  const numbers = new RecentNumbers();
  while (!signal.aborted) {
    await spool.whenRecorded(life.next, ending);
    if (signal.aborted || spool.next <= life.next) return;
    const records = await spool.read(life.next, CALL_BYTES);
    if (records.length === 0) {
      throw new AppError(`Record ${life.next} of the spool is damaged; the next start leaves it out`, {
        code: "internal",
      });
    }
    const batches = records.map((record, place) => batchOf(record, life.seq + 1 + place));
    const outcome = await until(() => queue.publish(batches, { producer, epoch: life.epoch }));
    switch (outcome.kind) {
      case "accepted":
      case "duplicate": {
        for (const [place, { number }] of records.entries()) numbers.add(life.seq + 1 + place, number);
        const last = records.at(-1) as SpoolRecord;
        life.seq += records.length;
        life.next = last.number + 1;
        await onAccepted(last.number);
        break;
      }
      case "full":
        await clock.sleep(outcome.retryAfterMs, { signal });
        break;
      case "gap":
        life.seq = outcome.last;
        life.next = numbers.get(outcome.last) + 1;
        onGap(life.next);
        break;
      case "fenced":
        throw new AppError(`Producer ${producer} has been opened by another process, so epoch ${life.epoch} is over`, {
          code: "conflict",
        });
      default:
        outcome satisfies never;
    }
  }
}

const batchOf = ({ number, body, readings }: SpoolRecord, seq: number): OutgoingBatch => ({
  seq,
  body,
  readings,
  position: String(number),
});

/** Says which record a batch was. */
class RecentNumbers {
  readonly #numbers = new Map<number, number>();

  add(seq: number, number: number): void {
    this.#numbers.set(seq, number);
    if (this.#numbers.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#numbers.keys()) {
      this.#numbers.delete(oldest);
      return;
    }
  }

  /** Returns 0 for a batch that is not remembered: all of the spool is sent again, and the store takes it once. */
  get(seq: number): number {
    return this.#numbers.get(seq) ?? 0;
  }
}
