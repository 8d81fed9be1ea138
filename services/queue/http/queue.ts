/**
 * The queue behind queue-service. A call is one request, which the client never repeats; the caller may repeat the
 * call.
 *
 * When the signal of a claim aborts, the client asks queue-service to end the wait, and releases the deliveries that
 * were already on their way. If that request reaches another replica than the one in which the claim waits, the client
 * cuts the connection instead; batches delivered in that instant return when their lease ends.
 */
import { AppError } from "../../../schema/model/errors.ts";
import type { Clock } from "../../platform/process/clock.ts";
import { checkClaim, checkExtend, checkIds, checkNack, checkOpen, checkPublish, checkReceipts } from "../arguments.ts";
import {
  type ClaimRequest,
  type DeadLetterPage,
  type DeadLetters,
  type Delivery,
  MAX_BATCH_BYTES,
  MAX_PAGE_BYTES,
  type NackMode,
  type OpenedProducer,
  type OutgoingBatch,
  type PublishOutcome,
  type Queue,
  type QueueStats,
} from "../port.ts";
import {
  type Answer,
  type Call,
  type CallerOptions,
  type CallOptions,
  createCaller,
  errorOf,
  parseJson,
} from "./call.ts";
import {
  encodeBatches,
  MAX_CALL_BYTES,
  MAX_HEAD_BYTES,
  MAX_JSON_BYTES,
  QUEUE_PATHS,
  readClaimed,
  readLetters,
} from "./wire.ts";

export type HttpQueueOptions = CallerOptions;

/** How long an aborted claim waits for its answer after queue-service has ended the wait. */
const LEAVE_MS = 2000;
/** The same if the replica knows no such wait: the answer is on its way, or the claim waits in another replica. */
const ANSWER_MS = 250;
const OUTCOMES = new Set([200, 201, 409, 429]);

class HttpQueue implements Queue {
  readonly deadLetters: DeadLetters = {
    list: (options) => this.#list(options),
    redrive: (ids) => this.#count(QUEUE_PATHS.redrive, ids),
    purge: (ids) => this.#count(QUEUE_PATHS.purge, ids),
  };
  readonly #clock: Clock;
  readonly #call: Call;
  readonly #closing = new AbortController();
  readonly #claims = new Set<Promise<unknown>>();

  constructor(options: HttpQueueOptions) {
    this.#clock = options.clock;
    this.#call = createCaller(options);
  }

  async openProducer(producer: string, { inherit = [] }: { inherit?: readonly string[] } = {}) {
    checkOpen(producer, inherit);
    return (await this.#json(QUEUE_PATHS.producers, { producer, inherit })) as OpenedProducer;
  }

  async publish(batches: readonly OutgoingBatch[], from: { producer: string; epoch: number }): Promise<PublishOutcome> {
    checkPublish(batches, from);
    this.#checkOpen();
    const size = batches.reduce((sum, { body }) => sum + body.byteLength, 0);
    if (size > MAX_CALL_BYTES) {
      const message = `Queue: the bodies of a publish must be at most ${MAX_CALL_BYTES} bytes together, got ${size}`;
      throw new AppError(message, { code: "too_large" });
    }
    const body = encodeBatches(batches, from);
    const answer = await this.#call(QUEUE_PATHS.batches, { body, maxBytes: MAX_JSON_BYTES });
    const outcome = OUTCOMES.has(answer.status) ? (parseJson(answer.bytes) as PublishOutcome | undefined) : undefined;
    if (typeof outcome?.kind !== "string") throw errorOf(answer);
    return outcome;
  }

  async claim(request: ClaimRequest): Promise<readonly Delivery[]> {
    checkClaim(request);
    this.#checkOpen();
    if (request.signal?.aborted) return [];
    const claiming = this.#claim(request);
    this.#claims.add(claiming);
    try {
      return await claiming;
    } finally {
      this.#claims.delete(claiming);
    }
  }

  async ack(receipts: readonly string[]): Promise<readonly boolean[]> {
    checkReceipts(receipts);
    return this.#results(QUEUE_PATHS.acks, { receipts });
  }

  async nack(receipts: readonly string[], mode: NackMode): Promise<readonly boolean[]> {
    const reason = checkNack(receipts, mode);
    const sent = mode.kind === "release" ? mode : { ...mode, reason };
    return this.#results(QUEUE_PATHS.nacks, { receipts, mode: sent });
  }

  async extend(receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]> {
    checkExtend(receipts, leaseMs);
    return this.#results(QUEUE_PATHS.extends, { receipts, leaseMs });
  }

  async stats(): Promise<QueueStats> {
    return (await this.#json(QUEUE_PATHS.stats, undefined, "GET")) as QueueStats;
  }

  /** Ends all waiting claims. Resolves once the deliveries that they still got have been released. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#claims);
  }

  async #claim({ max, maxBytes, leaseMs, waitMs, signal }: ClaimRequest): Promise<readonly Delivery[]> {
    const id = crypto.randomUUID();
    const over = new AbortController();
    const cut = new AbortController();
    let left = false;
    const leave = async () => {
      if (left) return;
      left = true;
      const known = waitMs > 0 && (await this.#leave(id));
      await this.#clock.sleep(known ? LEAVE_MS : ANSWER_MS, { signal: over.signal });
      if (!over.signal.aborted) cut.abort();
    };
    for (const reason of [signal, this.#closing.signal]) {
      reason?.addEventListener("abort", () => void leave(), { signal: over.signal });
    }
    try {
      const answer = await this.#call(QUEUE_PATHS.claims, {
        body: { id, max, maxBytes, leaseMs, waitMs },
        waitMs,
        maxBytes: MAX_CALL_BYTES + MAX_HEAD_BYTES,
        signal: cut.signal,
      });
      const deliveries = this.#read(answer, readClaimed);
      if (!left) return deliveries;
      await this.#giveBack(deliveries);
      return [];
    } catch (error) {
      if (left) return [];
      throw error;
    } finally {
      over.abort();
    }
  }

  /** Asks queue-service to end the wait. Resolves to true if it did, so that the answer is about to come. */
  async #leave(id: string): Promise<boolean> {
    const options: CallOptions = { method: "DELETE", maxBytes: MAX_JSON_BYTES };
    const { status } = await this.#call(`${QUEUE_PATHS.claims}/${id}`, options).catch(() => ({ status: 503 }));
    return status === 204;
  }

  async #giveBack(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const body = { receipts: deliveries.map(({ receipt }) => receipt), mode: { kind: "release" } };
    await this.#call(QUEUE_PATHS.nacks, { body, maxBytes: MAX_JSON_BYTES });
  }

  async #list({ limit, after }: { limit: number; after?: string | undefined }): Promise<DeadLetterPage> {
    this.#checkOpen();
    const query = new URLSearchParams({ limit: String(limit), ...(after === undefined ? {} : { after }) });
    const maxBytes = MAX_PAGE_BYTES + MAX_BATCH_BYTES + MAX_HEAD_BYTES;
    const answer = await this.#call(`${QUEUE_PATHS.deadLetters}?${query}`, { method: "GET", maxBytes });
    return this.#read(answer, readLetters);
  }

  async #count(path: string, ids: readonly string[] | undefined): Promise<number> {
    checkIds(ids);
    return ((await this.#json(path, { ids })) as { count: number }).count;
  }

  async #results(path: string, body: object): Promise<readonly boolean[]> {
    return ((await this.#json(path, body)) as { results: readonly boolean[] }).results;
  }

  async #json(path: string, body: object | undefined, method: "GET" | "POST" = "POST"): Promise<unknown> {
    this.#checkOpen();
    const options = body === undefined ? { method } : { method, body };
    const answer = await this.#call(path, { ...options, maxBytes: MAX_JSON_BYTES });
    const value = answer.status === 200 ? parseJson(answer.bytes) : undefined;
    if (typeof value !== "object" || value === null) throw errorOf(answer);
    return value;
  }

  /**
   * Decodes an answer. Frames that cannot be decoded are `unavailable`, because they do not come from queue-service.
   */
  #read<T>(answer: Answer, read: (bytes: Uint8Array) => T): T {
    if (answer.status !== 200) throw errorOf(answer);
    try {
      return read(answer.bytes);
    } catch (error) {
      throw new AppError("The answer of queue-service must be valid frames", { code: "unavailable", cause: error });
    }
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new AppError("The queue is closed", { code: "unavailable" });
  }
}

export const openHttpQueue = (options: HttpQueueOptions): Queue => new HttpQueue(options);
