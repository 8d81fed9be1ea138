/**
 * Carries the producer's side of the port over a MessagePort, for a streamer in its own thread. The streamer's thread
 * sends requests; the queue's thread sends one reply to each, in any order. Bodies are copied before they are
 * transferred, so that the caller still has its bytes after `full` or `gap`.
 */
import type { MessagePort } from "node:worker_threads";
import { AppError, type ErrorCode, isAppError, messageOf } from "../../../schema/model/errors.ts";
import type { OpenedProducer, OutgoingBatch, ProducerQueue, PublishOutcome } from "../port.ts";

/** `id` numbers the requests of a connection from 1; the reply has the same `id`. */
type Request =
  | { readonly id: number; readonly call: "open"; readonly producer: string; readonly inherit: readonly string[] }
  | {
      readonly id: number;
      readonly call: "publish";
      readonly batches: readonly OutgoingBatch[];
      readonly from: { readonly producer: string; readonly epoch: number };
    };

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

type Reply =
  | { readonly id: number; readonly value: OpenedProducer | PublishOutcome }
  | { readonly id: number; readonly failure: Failure }
  /** The queue's side is closing. Sent because not every runtime emits `close` on the other side. */
  | { readonly bye: true };

const describe = (error: unknown): Failure =>
  isAppError(error)
    ? { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs }
    : { code: "internal", message: messageOf(error), retryAfterMs: undefined };

const revive = ({ code, message, retryAfterMs }: Failure): AppError =>
  new AppError(message, { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/** Answers requests with `queue` until disposed or until the other side closes. */
export function serveQueue(queue: ProducerQueue, port: MessagePort): Disposable {
  const answer = async (request: Request): Promise<Reply> => {
    const { id } = request;
    try {
      switch (request.call) {
        case "open":
          return { id, value: await queue.openProducer(request.producer, { inherit: request.inherit }) };
        case "publish":
          return { id, value: await queue.publish(request.batches, request.from) };
        default:
          return request satisfies never;
      }
    } catch (error) {
      return { id, failure: describe(error) };
    }
  };
  port.on("message", (request: Request) => {
    void answer(request).then((reply) => port.postMessage(reply));
  });
  return {
    [Symbol.dispose]() {
      port.postMessage({ bye: true } satisfies Reply);
      port.close();
    },
  };
}

/**
 * Returns a ProducerQueue that forwards calls through the port. Once either side has closed, all calls reject with
 * AppError `unavailable`, including those in flight, which the queue may or may not have carried out.
 */
export function connectQueue(port: MessagePort): ProducerQueue & Disposable {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: AppError) => void }>();
  let lastId = 0;
  let closed = false;
  const closedError = () => new AppError("The connection to the queue is closed", { code: "unavailable" });
  const close = () => {
    closed = true;
    for (const { reject } of pending.values()) reject(closedError());
    pending.clear();
  };
  port.on("message", (reply: Reply) => {
    if ("bye" in reply) return close();
    const call = pending.get(reply.id);
    pending.delete(reply.id);
    if ("failure" in reply) call?.reject(revive(reply.failure));
    else call?.resolve(reply.value);
  });
  port.on("close", close);
  const ask = (request: Request, transfer: ArrayBuffer[] = []): Promise<unknown> => {
    if (closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      pending.set(request.id, { resolve, reject });
      port.postMessage(request, transfer);
    });
  };
  return {
    openProducer: async (producer, { inherit = [] } = {}) =>
      (await ask({ id: ++lastId, call: "open", producer, inherit })) as OpenedProducer,
    publish: async (batches, from) => {
      const copies = batches.map((batch) => ({ ...batch, body: new Uint8Array(batch.body) }));
      const transfer = copies.map(({ body }) => body.buffer);
      return (await ask({ id: ++lastId, call: "publish", batches: copies, from }, transfer)) as PublishOutcome;
    },
    [Symbol.dispose]() {
      close();
      port.close();
    },
  };
}
