/** The queue's counters in words, for its metrics and its graph. */
import type { QueueCounter } from "../queue/port.ts";

export const COUNTER_TEXTS: Readonly<Record<QueueCounter, string>> = {
  published: "Batches accepted.",
  readings: "Readings in accepted batches.",
  duplicates: "Batches published again, and not accepted twice.",
  gaps: "Publishes refused because batches before them are missing.",
  fenced: "Publishes refused because a newer life of their producer has begun.",
  rejected: "Publishes refused because the queue was full.",
  claimed: "Hand-overs to collectors.",
  acked: "Batches removed because they are stored.",
  nacked: "Hand-overs that failed.",
  released: "Hand-overs given back unused.",
  expired: "Leases that ended without an answer.",
  dead: "Batches that became dead letters.",
  redriven: "Dead letters sent back.",
  purged: "Dead letters deleted.",
};
