/**
 * What queue-service and its client say to each other. Batches travel as frames, both ways, one request per call of the
 * port; all else is JSON. Errors are problem details with the `code` of the AppError and, to the millisecond,
 * `retryAfterMs`.
 */
import { z } from "zod";
import { AppError } from "../../../schema/model/errors.ts";
import type { DeadLetter, DeadLetterPage, Delivery, OutgoingBatch } from "../port.ts";
import { decodeFrames, encodeFrames, type Frames } from "./frames.ts";

export const QUEUE_PATHS = {
  /** POST `{ producer, inherit }` → 200 OpenedProducer */
  producers: "/v1/producers",
  /** POST frames → 201 accepted, 200 duplicate, 409 gap or fenced, 429 full: a PublishOutcome */
  batches: "/v1/batches",
  /** POST `{ id, max, maxBytes, leaseMs, waitMs }` → 200 frames. DELETE `/{id}` ends the wait: 204, or 404 unknown here */
  claims: "/v1/claims",
  /** POST `{ receipts }` → 200 `{ results }` */
  acks: "/v1/acks",
  /** POST `{ receipts, mode }` → 200 `{ results }` */
  nacks: "/v1/nacks",
  /** POST `{ receipts, leaseMs }` → 200 `{ results }` */
  extends: "/v1/extends",
  /** GET → 200 QueueStats */
  stats: "/v1/stats",
  /** GET `?limit=&after=` → 200 frames */
  deadLetters: "/v1/dead-letters",
  /** POST `{ ids }`, all when absent → 200 `{ count }` */
  redrive: "/v1/dead-letters/redrive",
  /** POST `{ ids }`, all when absent → 200 `{ count }` */
  purge: "/v1/dead-letters/purge",
} as const;

/** Of the bodies of one publish together: a call beyond it is `too_large`, whatever the queue holds. A claim gets no more. */
export const MAX_CALL_BYTES = 64 * 1024 * 1024;
/** Of the frames' head, ample for what it says about a thousand bodies, and their lengths. */
export const MAX_HEAD_BYTES = 64 * 1024 * 1024;
/** Of a JSON body: a thousand producers' names and positions, or receipts. */
export const MAX_JSON_BYTES = 32 * 1024 * 1024;

const batchesHead = z.object({
  producer: z.string(),
  epoch: z.number(),
  batches: z.array(z.object({ seq: z.number(), readings: z.number(), position: z.string() })),
});

/** What the head lists, each with its body. */
function join<T>(items: readonly T[], bodies: readonly Uint8Array[]): (T & { readonly body: Uint8Array })[] {
  if (items.length !== bodies.length) {
    throw new AppError(`Frames hold ${bodies.length} bodies: the head lists ${items.length}`, { code: "invalid" });
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
  const { head, bodies } = decodeFrames(bytes);
  const read = batchesHead.safeParse(head);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new AppError(`Cannot read the head of batches: ${issue?.path.join(".")}: ${issue?.message}`, {
      code: "invalid",
    });
  }
  const { batches, producer, epoch } = read.data;
  return { batches: join(batches, bodies), from: { producer, epoch } };
}

export const encodeClaimed = (deliveries: readonly Delivery[]): Uint8Array<ArrayBuffer> =>
  encodeFrames({ deliveries: headsOf(deliveries) }, bodiesOf(deliveries));

/** What the other side wrote is taken at its word but for its length. */
function itemsOf<T>(name: string, { head, bodies }: Frames): (T & { readonly body: Uint8Array })[] {
  const items = (head as Record<string, unknown> | null)?.[name];
  if (!Array.isArray(items)) throw new AppError(`Cannot read frames: the head has no ${name}`, { code: "invalid" });
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
