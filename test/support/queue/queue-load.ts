/** Producers and consumers on one queue while something is done to it, and what became of every batch. */
import { expect } from "bun:test";
import { isAppError } from "../../../schema/model/errors.ts";
import type { OutgoingBatch, Queue } from "../../../services/queue/port.ts";
import { batchOf, receiptsOf, textsOf } from "../../conformance/queue/bench.ts";
import { eventually } from "../time/eventually.ts";

const CALL = 20;

export interface QueueLoad {
  /** Confirmed so far. */
  readonly published: number;
  /** Deliveries of each text; one that is there has been stored. */
  readonly stored: ReadonlyMap<string, number>;
  /** How often a producer had to go back. */
  readonly gaps: number;
  readonly rejected: number;
  /** Everything is published and stored. */
  finished(): Promise<void>;
}

/** For as long as Redis is away, and as long as the call asks for, tries again. */
async function patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isAppError(error, "unavailable") || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/**
 * Each producer publishes `batches` batches, going back where the queue says so; each consumer stores what it is handed
 * before it acknowledges. Disposing ends both.
 */
export function startQueueLoad(
  queue: Queue,
  { producers = 3, consumers = 2, batches = 2000, leaseMs = 2000 } = {},
): QueueLoad & AsyncDisposable {
  const over = new AbortController();
  const { signal } = over;
  const stored = new Map<string, number>();
  const state = { published: 0, gaps: 0, rejected: 0 };
  const textOf = (producer: number, seq: number) => `${producer}:${seq}`;

  const produce = async (number: number): Promise<void> => {
    const producer = `csv@${number}/${producers}`;
    const { epoch, seq } = await patiently(() => queue.openProducer(producer), signal);
    for (let next = seq + 1; next <= batches && !signal.aborted; ) {
      const count = Math.min(CALL, batches + 1 - next);
      const call: OutgoingBatch[] = Array.from({ length: count }, (_, n) =>
        batchOf(next + n, textOf(number, next + n)),
      );
      const outcome = await patiently(() => queue.publish(call, { producer, epoch }), signal);
      switch (outcome.kind) {
        case "accepted":
        case "duplicate":
          next += count;
          state.published += count;
          break;
        case "gap":
          state.gaps++;
          next = outcome.last + 1;
          break;
        case "full":
          state.rejected++;
          await new Promise((resolve) => setTimeout(resolve, 5));
          break;
        default:
          throw new Error(`producer ${producer} is ${outcome.kind}`);
      }
    }
  };
  const consume = async (): Promise<void> => {
    while (!signal.aborted) {
      const request = { max: 50, maxBytes: 1_000_000, leaseMs, waitMs: 100, signal };
      const deliveries = await patiently(() => queue.claim(request), signal);
      for (const text of textsOf(deliveries)) stored.set(text, (stored.get(text) ?? 0) + 1);
      if (deliveries.length > 0) await patiently(() => queue.ack(receiptsOf(deliveries)), signal);
    }
  };
  const producing = Promise.all(Array.from({ length: producers }, (_, number) => produce(number)));
  const consuming = Promise.all(Array.from({ length: consumers }, consume));
  producing.catch(() => {});
  consuming.catch(() => {});
  const expected = Array.from({ length: producers }, (_, number) =>
    Array.from({ length: batches }, (_, index) => textOf(number, index + 1)),
  ).flat();

  return {
    stored,
    get published() {
      return state.published;
    },
    get gaps() {
      return state.gaps;
    },
    get rejected() {
      return state.rejected;
    },
    finished: async () => {
      await Promise.race([producing, consuming]);
      const missing = () => expected.filter((text) => !stored.has(text));
      await eventually(() => missing().length === 0, { what: "every batch is stored" }).catch((error: Error) => {
        throw new Error(`${error.message}; lost: ${missing().length}, such as ${missing().slice(0, 5)}`);
      });
      const isEmpty = async () => {
        const { ready, leased, delayed } = await patiently(() => queue.stats(), signal);
        return ready + leased + delayed === 0;
      };
      await eventually(isEmpty, { what: "the queue is empty" });
      expect(await queue.stats()).toMatchObject({ bytes: 0, dead: 0, orphans: 0 });
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.allSettled([producing, consuming]);
    },
  };
}
