/** Helpers that the parts of the queue's conformance suite share. */
import type { ClaimRequest, Delivery, OutgoingBatch, PublishOutcome, Queue } from "../../../services/queue/port.ts";

export interface QueueOptions {
  readonly maxBytes: number;
  readonly maxDeliveries: number;
}

export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: Queue;
  /** Moves the queue's time forward. Leases and delays that end meanwhile have ended when it resolves. */
  advance(ms: number): Promise<void>;
  /** Kills and restarts everything that can be killed without losing confirmed data; resolves to the queue. */
  restart?(): Promise<Queue>;
}

/** Opens an empty queue. */
export type OpenQueue = (options?: Partial<QueueOptions>) => Promise<QueueUnderTest>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const textOf = ({ body }: { body: Uint8Array }): string => decoder.decode(body);
export const textsOf = (items: readonly { body: Uint8Array }[]): string[] => items.map(textOf);
export const receiptsOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ receipt }) => receipt);

/** A batch with one reading per character of the text. */
export const batchOf = (seq: number, text: string): OutgoingBatch => ({
  seq,
  body: encoder.encode(text),
  readings: text.length,
  position: `after ${text.slice(0, 40)}`,
});

/** Opens a life of a producer; `publish` numbers its texts and publishes them in one call. */
export async function openPublisher(queue: Queue, producer = "csv@0/1") {
  const opened = await queue.openProducer(producer);
  let { seq } = opened;
  return {
    ...opened,
    producer,
    publish: async (...texts: readonly string[]): Promise<PublishOutcome> => {
      const outcome = await queue.publish(
        texts.map((text, index) => batchOf(seq + 1 + index, text)),
        { producer, epoch: opened.epoch },
      );
      if (outcome.kind === "accepted") seq += texts.length;
      return outcome;
    },
  };
}

const claimRequest = (request: Partial<ClaimRequest> = {}): ClaimRequest => ({
  max: 100,
  maxBytes: 1_000_000,
  leaseMs: 30_000,
  waitMs: 0,
  ...request,
});

export const claim = (queue: Queue, request: Partial<ClaimRequest> = {}): Promise<readonly Delivery[]> =>
  queue.claim(claimRequest(request));

/** Claims one delivery; throws when there is none. */
export async function claimOne(queue: Queue, request: Partial<ClaimRequest> = {}): Promise<Delivery> {
  const [delivery] = await claim(queue, { ...request, max: 1 });
  if (delivery === undefined) throw new Error("the claim returned no delivery");
  return delivery;
}

/** The code of the error that a call rejects with, or "resolved". */
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "resolved",
    (error: { code?: string }) => String(error.code ?? error),
  );
