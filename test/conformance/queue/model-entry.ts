/** A batch in the model of the queue. */
import type { DeadLetter, OutgoingBatch } from "../../../services/queue/port.ts";

export interface Producer {
  epoch: number;
  seq: number;
  position: string | null;
}

export interface Entry {
  readonly producer: string;
  readonly epoch: number;
  readonly batch: OutgoingBatch;
  readonly publishedAt: number;
  place: "ready" | "leased" | "delayed" | "dead" | "gone";
  id: string;
  /** Receipt of the last delivery. */
  receipt: string;
  returns: number;
  dueAt: number;
  /** Number of the last delivery in the whole queue: leases of one claim end in this order. */
  turn: number;
  /** Why it became a dead letter; undefined where the queue words it. */
  reason: string | undefined;
}

export const FRESH = { place: "ready", id: "", receipt: "", returns: 0, dueAt: 0, turn: 0, reason: undefined } as const;

export const sizeOf = (batches: readonly OutgoingBatch[]) =>
  batches.reduce((sum, { body }) => sum + body.byteLength, 0);

export const bytesOf = (entries: readonly Entry[]) => sizeOf(entries.map(({ batch }) => batch));

/** Without `reason` where the queue words it. */
export const letterOf = ({ id, producer, epoch, batch, returns, reason }: Entry): Partial<DeadLetter> => ({
  id,
  producer,
  epoch,
  seq: batch.seq,
  readings: batch.readings,
  bytes: batch.body.byteLength,
  attempts: returns,
  ...(reason === undefined ? {} : { reason }),
});
