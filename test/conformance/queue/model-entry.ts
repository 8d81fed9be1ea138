/** A batch as the model of the queue knows it. */
import type { DeadLetter, OutgoingBatch } from "../../../services/queue/port.ts";

export interface Entry {
  readonly producer: string;
  readonly epoch: number;
  readonly batch: OutgoingBatch;
  readonly publishedAt: number;
  place: "ready" | "leased" | "delayed" | "dead" | "gone";
  id: string;
  /** The hand-over that holds while leased. */
  receipt: string;
  returns: number;
  dueAt: number;
  /** Counts hand-overs of the whole queue: what one claim handed out ends in this order. */
  turn: number;
  /** Why it died; undefined where the queue words it. */
  reason: string | undefined;
}

export const FRESH = { place: "ready", id: "", receipt: "", returns: 0, dueAt: 0, turn: 0, reason: undefined } as const;

export const sizeOf = (batches: readonly OutgoingBatch[]) =>
  batches.reduce((sum, { body }) => sum + body.byteLength, 0);

export const bytesOf = (entries: readonly Entry[]) => sizeOf(entries.map(({ batch }) => batch));

/** The reason is left out where the queue words it. */
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
