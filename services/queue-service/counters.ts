/** Descriptions of the queue's counters, for its metrics and for the graph. */
import type { QueueCounter } from "../queue/port.ts";

export const COUNTER_TEXTS: Readonly<Record<QueueCounter, string>> = {
  published: "Batches accepted.",
  readings: "Readings in accepted batches.",
  duplicates: "Batches that were published again after they had been accepted.",
  gaps: "Publishes refused because earlier batches are missing.",
  fenced: "Publishes refused because a newer life of the producer has begun.",
  rejected: "Publishes refused because the queue was full.",
  claimed: "Deliveries to collectors.",
  acked: "Batches removed after they were stored.",
  nacked: "Deliveries that failed.",
  released: "Deliveries returned with no attempt used.",
  expired: "Leases that ended without an answer.",
  dead: "Batches that became dead letters.",
  redriven: "Dead letters returned to the queue.",
  purged: "Dead letters deleted, by an operator or to make room.",
};
