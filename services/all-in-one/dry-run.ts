/** A queue that accepts every batch and drops it, so that a run reads everything and stores nothing. */
import type { ProducerQueue } from "../queue/port.ts";

/** It remembers no position, so a run reads its files from their start. */
export const droppingQueue: ProducerQueue = {
  openProducer: async () => ({ epoch: 1, seq: 0, position: null, inherited: [] }),
  publish: async () => ({ kind: "accepted" }),
};
