/** A queue under measurement: it is filled, drained, and measured for its latency to a waiting consumer. */
import type { Message } from "./messages.ts";

export interface QueueSide extends AsyncDisposable {
  /** Resolves once the queue has confirmed all messages. */
  publish(messages: readonly Message[], perCall: number): Promise<void>;
  /**
   * Claims and acknowledges `count` messages that are in the queue already.
   * @returns seconds, without the time for opening and closing the consumers
   */
  consume(count: number, perCall: number): Promise<number>;
  /**
   * Publishes the messages one by one to a waiting consumer.
   * @returns for each message the time from the publishing call to its delivery, ms
   */
  latencies(messages: readonly Message[], pauseMs: number): Promise<number[]>;
}

/** Concurrent publishing calls, on both sides. */
export const CALLS_IN_FLIGHT = 8;

export function* callsOf<T>(items: readonly T[], perCall: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += perCall) yield items.slice(start, start + perCall);
}
