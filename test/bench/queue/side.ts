/** A queue under measurement: filled, emptied, and asked how long a message takes to reach a waiting consumer. */
import type { Message } from "./messages.ts";

export interface QueueSide extends AsyncDisposable {
  /** Resolves when the queue has confirmed all of them. */
  publish(messages: readonly Message[], perCall: number): Promise<void>;
  /**
   * Hands out and acknowledges `count` messages, which are all there. Gives the seconds it took, without those for
   * opening and closing what consumes.
   */
  consume(count: number, perCall: number): Promise<number>;
  /**
   * One after the other to a consumer that waits. Gives the time from the call that publishes to the hand-over of each,
   * in milliseconds.
   */
  latencies(messages: readonly Message[], pauseMs: number): Promise<number[]>;
}

/** Publishing calls under way at once, on both sides. */
export const CALLS_IN_FLIGHT = 8;

export function* callsOf<T>(items: readonly T[], perCall: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += perCall) yield items.slice(start, start + perCall);
}
