/** What each part of the queue's conformance suite works with. */
import type { ClaimRequest, Delivery, OutgoingBatch, PublishOutcome, Queue } from "../../../services/queue/port.ts";

export interface QueueOptions {
  readonly maxBytes: number;
  readonly maxDeliveries: number;
}

export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: Queue;
  /** Moves the queue's own time on; what falls due meanwhile has happened when it returns. */
  advance(ms: number): Promise<void>;
  /** Ends whatever can end without losing confirmed data, starts it again, and gives the queue anew. */
  restart?(): Promise<Queue>;
}

/** An empty queue at each call. */
export type OpenQueue = (options?: Partial<QueueOptions>) => Promise<QueueUnderTest>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const textOf = ({ body }: { body: Uint8Array }): string => decoder.decode(body);
export const textsOf = (items: readonly { body: Uint8Array }[]): string[] => items.map(textOf);
export const receiptsOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ receipt }) => receipt);

/** One reading per character. */
export const batchOf = (seq: number, text: string): OutgoingBatch => ({
  seq,
  body: encoder.encode(text),
  readings: text.length,
  position: `after ${text.slice(0, 40)}`,
});

/** A life of a producer that numbers what it publishes, one call for all the texts given. */
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

/** One delivery, or a failure that says so. */
export async function claimOne(queue: Queue, request: Partial<ClaimRequest> = {}): Promise<Delivery> {
  const [delivery] = await claim(queue, { ...request, max: 1 });
  if (delivery === undefined) throw new Error("the queue handed out nothing");
  return delivery;
}

export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "resolved",
    (error: { code?: string }) => String(error.code ?? error),
  );
