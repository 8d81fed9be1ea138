/** An endless load on one queue, during which a test injects faults, and a record of every batch. */
import { expect } from "bun:test";
import { isAppError } from "../../../schema/model/errors.ts";
import type { OutgoingBatch, Queue } from "../../../services/queue/port.ts";
import { batchOf, receiptsOf, textsOf } from "../../conformance/queue/bench.ts";
import { eventually } from "../time/eventually.ts";
import { isDrained } from "./drained.ts";

/** Batches per publish. */
const CALL = 20;

export interface QueueLoad {
  /** Batches confirmed so far; a batch that is published again after a gap counts again. */
  readonly published: number;
  /** Deliveries of each text. A text that is in the map has been stored. */
  readonly stored: ReadonlyMap<string, number>;
  /** Answers `gap`. */
  readonly gaps: number;
  /** Answers `full`. */
  readonly rejected: number;
  /** Resolves once `batches` more are confirmed. */
  more(batches: number): Promise<void>;
  addConsumers(count: number): void;
  /**
   * Lets every producer publish one more call beyond what it has ever had confirmed, stops it, and checks that every
   * batch is stored and that the queue is empty.
   */
  finish(): Promise<void>;
}

/** Repeats the call while Redis is unavailable, until the signal aborts. */
async function untilAvailable<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isAppError(error, "unavailable") || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const textOf = (producer: number, seq: number) => `${producer}:${seq}`;

/**
 * Each producer publishes batches until `finish`, resuming where a `gap` says. Each consumer stores what it claims,
 * then acknowledges it. Disposing ends both at once.
 */
export function startQueueLoad(
  queue: Queue,
  { producers = 3, consumers = 2, leaseMs = 2000 } = {},
): QueueLoad & AsyncDisposable {
  const over = new AbortController();
  const { signal } = over;
  const stored = new Map<string, number>();
  const state = { published: 0, gaps: 0, rejected: 0 };
  /** Per producer: the highest number that was ever confirmed, and the number after which it stops. */
  const highest = new Array<number>(producers).fill(0);
  const last = new Array<number>(producers).fill(Number.POSITIVE_INFINITY);

  const produce = async (number: number): Promise<void> => {
    const producer = `csv@${number}/${producers}`;
    const { epoch, seq } = await untilAvailable(() => queue.openProducer(producer), signal);
    for (let next = seq + 1; next <= (last[number] ?? 0) && !signal.aborted; ) {
      const count = Math.min(CALL, (last[number] ?? 0) + 1 - next);
      const call: OutgoingBatch[] = Array.from({ length: count }, (_, n) =>
        batchOf(next + n, textOf(number, next + n)),
      );
      const outcome = await untilAvailable(() => queue.publish(call, { producer, epoch }), signal);
      switch (outcome.kind) {
        case "accepted":
        case "duplicate":
          next += count;
          highest[number] = Math.max(highest[number] ?? 0, next - 1);
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
      const deliveries = await untilAvailable(() => queue.claim(request), signal);
      for (const text of textsOf(deliveries)) stored.set(text, (stored.get(text) ?? 0) + 1);
      if (deliveries.length > 0) await untilAvailable(() => queue.ack(receiptsOf(deliveries)), signal);
    }
  };
  const running: Promise<void>[] = [];
  const failures: unknown[] = [];
  const start = (work: Promise<void>): Promise<void> => {
    running.push(work);
    work.catch((error) => failures.push(error));
    return work;
  };
  /** Waits for a condition, and fails as soon as a producer or consumer has failed. */
  const until = (check: () => boolean | Promise<boolean>, what: string) =>
    eventually(
      () => {
        if (failures.length > 0) throw failures[0];
        return check();
      },
      { what },
    );
  const producing = Promise.all(last.map((_, number) => start(produce(number))));
  producing.catch(() => {});
  const addConsumers = (count: number) => {
    for (let n = 0; n < count; n++) void start(consume());
  };
  addConsumers(consumers);

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
    addConsumers,
    more: async (batches) => {
      const target = state.published + batches;
      await until(() => state.published >= target, `${batches} more batches are published`);
    },
    finish: async () => {
      for (const number of last.keys()) last[number] = (highest[number] ?? 0) + CALL;
      await producing;
      const expected = last.flatMap((count, number) =>
        Array.from({ length: count }, (_, index) => textOf(number, index + 1)),
      );
      const missing = () => expected.filter((text) => !stored.has(text));
      await until(() => missing().length === 0, "every batch is stored").catch((error: Error) => {
        throw new Error(`${error.message}; lost: ${missing().length}, such as ${missing().slice(0, 5)}`);
      });
      await until(async () => isDrained(await untilAvailable(() => queue.stats(), signal)), "the queue is drained");
      expect(await queue.stats()).toMatchObject({ bytes: 0, dead: 0, orphans: 0 });
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.allSettled(running);
    },
  };
}
