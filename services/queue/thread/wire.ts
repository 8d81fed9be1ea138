/**
 * The producer's side of the port over a MessagePort: for a streamer in a thread of its own. Bodies travel as
 * transferred copies, so the caller still has its bytes when the answer is `full` or `gap`.
 */
import type { MessagePort } from "node:worker_threads";
import { AppError, type ErrorCode, isAppError, messageOf } from "../../../schema/model/errors.ts";
import type { OpenedProducer, OutgoingBatch, ProducerQueue, PublishOutcome } from "../port.ts";

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
  /** The other side is about to close; not every runtime says so by itself. */
  | { readonly bye: true };

const describe = (error: unknown): Failure =>
  isAppError(error)
    ? { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs }
    : { code: "internal", message: messageOf(error), retryAfterMs: undefined };

const revive = ({ code, message, retryAfterMs }: Failure): AppError =>
  new AppError(message, { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });

/** Answers the calls that come through the port until disposed or the other side closes. */
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
 * A ProducerQueue that asks the one behind the port. Once either side has closed, calls, also those under way, reject
 * with AppError `unavailable`; whether one under way was carried out is unknown then.
 */
export function connectQueue(port: MessagePort): ProducerQueue & Disposable {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: AppError) => void }>();
  let lastId = 0;
  let closed = false;
  const away = () => new AppError("The connection to the queue is closed", { code: "unavailable" });
  const close = () => {
    closed = true;
    for (const { reject } of pending.values()) reject(away());
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
    if (closed) return Promise.reject(away());
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
