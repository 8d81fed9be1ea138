/**
 * The HTTP protocol between queue-service and its client: one request per call of the port. Batches are sent as frames
 * (`frames.ts`), everything else as JSON. Errors are problem details with two more members: the `code` of the AppError,
 * and its `retryAfterMs` if it has one. `../PROTOCOL.md` describes every field.
 */
import { z } from "zod";
import { AppError } from "../../../schema/model/errors.ts";
import { type DeadLetter, type DeadLetterPage, type Delivery, MAX_CALL_ITEMS, type OutgoingBatch } from "../port.ts";
import { decodeFrames, encodeFrames, type Frames } from "./frames.ts";

export const QUEUE_PATHS = {
  /** POST `{ producer, inherit }` → 200 `OpenedProducer` */
  producers: "/v1/producers",
  /** POST frames → 201 accepted, 200 duplicate, 409 gap or fenced, 429 full; each with a `PublishOutcome` */
  batches: "/v1/batches",
  /**
   * POST `{ id, max, maxBytes, leaseMs, waitMs }` → 200 frames.
   * DELETE `/{id}` ends the wait → 204; 404 if no such claim waits in this replica
   */
  claims: "/v1/claims",
  /** POST `{ receipts }` → 200 `{ results }` */
  acks: "/v1/acks",
  /** POST `{ receipts, mode }` → 200 `{ results }` */
  nacks: "/v1/nacks",
  /** POST `{ receipts, leaseMs }` → 200 `{ results }` */
  extends: "/v1/extends",
  /** GET → 200 `QueueStats` */
  stats: "/v1/stats",
  /** GET `?limit=&after=` → 200 frames */
  deadLetters: "/v1/dead-letters",
  /** POST `{ ids }`, all letters when absent → 200 `{ count }` */
  redrive: "/v1/dead-letters/redrive",
  /** POST `{ ids }`, all letters when absent → 200 `{ count }` */
  purge: "/v1/dead-letters/purge",
} as const;

/** Bound on the total size of the bodies of a publish or a claim. A larger publish is `too_large`. */
export const MAX_CALL_BYTES = 64 * 1024 * 1024;
/** Bound on the head and the lengths of frames together, ample for a thousand batches. */
export const MAX_HEAD_BYTES = 64 * 1024 * 1024;
/** Bound on the head of a publish without batches, ample for the longest producer, each character escaped. */
export const MAX_PUBLISH_HEAD_BYTES = 8192;
/** What each batch adds to that bound: ample for the longest position, each character escaped, and two numbers. */
export const MAX_BATCH_HEAD_BYTES = 25_000;
/** Bound on a JSON answer, ample for a thousand receipts, or for a thousand producers' names and positions. */
export const MAX_JSON_BYTES = 32 * 1024 * 1024;

/** Bound on the JSON of a request to open a producer: a thousand of the longest names, each character escaped. */
export const MAX_OPEN_BYTES = 8 * 1024 * 1024;
/** Bound on the JSON of every other request, ample for a thousand receipts or ids and a reason. */
export const MAX_REQUEST_BYTES = 1024 * 1024;

const batchesHead = z.object({
  producer: z.string(),
  epoch: z.number(),
  batches: z.array(z.object({ seq: z.number(), readings: z.number(), position: z.string() })),
});

/** Joins each item of the head with the body at the same index. */
function join<T>(items: readonly T[], bodies: readonly Uint8Array[]): (T & { readonly body: Uint8Array })[] {
  if (items.length !== bodies.length) {
    throw new AppError(`Frames: the number of bodies must be ${items.length}, as in the head, got ${bodies.length}`, {
      code: "invalid",
    });
  }
  return items.map((item, index) => ({ ...item, body: bodies[index] as Uint8Array }));
}

const bodiesOf = (items: readonly { readonly body: Uint8Array }[]) => items.map(({ body }) => body);
const headsOf = <T extends { readonly body: Uint8Array }>(items: readonly T[]) =>
  items.map(({ body, ...rest }) => rest);

export const encodeBatches = (
  batches: readonly OutgoingBatch[],
  { producer, epoch }: { producer: string; epoch: number },
): Uint8Array<ArrayBuffer> => {
  const heads = batches.map(({ seq, readings, position }) => ({ seq, readings, position }));
  return encodeFrames({ producer, epoch, batches: heads }, bodiesOf(batches));
};

/** Bodies are views into `bytes`. @throws AppError `invalid` */
export function readBatches(bytes: Uint8Array): {
  batches: readonly OutgoingBatch[];
  from: { producer: string; epoch: number };
} {
  const { head, bodies } = decodeFrames(bytes, (count) => MAX_PUBLISH_HEAD_BYTES + MAX_BATCH_HEAD_BYTES * count);
  // Counted before they are checked, because each of them may have several problems.
  const listed = (head as { batches?: unknown } | null)?.batches;
  if (Array.isArray(listed) && listed.length > MAX_CALL_ITEMS) {
    const most = MAX_CALL_ITEMS.toLocaleString("en-US");
    throw new AppError(`Frames: the number of batches must be at most ${most}, got ${listed.length}`, {
      code: "invalid",
    });
  }
  const read = batchesHead.safeParse(head);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new AppError(`Frames: head: ${issue?.path.join(".")}: ${issue?.message}`, {
      code: "invalid",
    });
  }
  const { batches, producer, epoch } = read.data;
  return { batches: join(batches, bodies), from: { producer, epoch } };
}

export const encodeClaimed = (deliveries: readonly Delivery[]): Uint8Array<ArrayBuffer> =>
  encodeFrames({ deliveries: headsOf(deliveries) }, bodiesOf(deliveries));

/**
 * Returns the named items with their bodies. Trusts the fields that queue-service wrote; checks only the number of
 * items.
 */
function itemsOf<T>(name: string, { head, bodies }: Frames): (T & { readonly body: Uint8Array })[] {
  const items = (head as Record<string, unknown> | null)?.[name];
  if (!Array.isArray(items)) throw new AppError(`Frames: the head must have a list of ${name}`, { code: "invalid" });
  return join(items as T[], bodies);
}

/** @throws AppError `invalid` */
export const readClaimed = (bytes: Uint8Array): readonly Delivery[] =>
  itemsOf<Omit<Delivery, "body">>("deliveries", decodeFrames(bytes));

export const encodeLetters = ({ letters, total, next }: DeadLetterPage): Uint8Array<ArrayBuffer> =>
  encodeFrames({ letters: headsOf(letters), total, next }, bodiesOf(letters));

/** @throws AppError `invalid` */
export function readLetters(bytes: Uint8Array): DeadLetterPage {
  const frames = decodeFrames(bytes);
  const letters = itemsOf<Omit<DeadLetter, "body">>("letters", frames);
  const { total, next } = frames.head as { total: number; next: string | null };
  return { letters, total, next };
}
