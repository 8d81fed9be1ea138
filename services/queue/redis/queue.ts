/**
 * The queue on Redis, shared by any number of processes. All of its state is in Redis, which must run with
 * `noeviction`; accepted batches are as durable as its append-only file. All batches of a producer are in one
 * partition, and each partition has an equal share of the bounds.
 */
import { AppError } from "../../../schema/model/errors.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { RedisConnection } from "../../platform/redis/connections.ts";
import {
  checkClaim,
  checkExtend,
  checkNack,
  checkOpen,
  checkPublish,
  checkReceipts,
  refuseEpoch,
} from "../arguments.ts";
import {
  type ClaimRequest,
  DEAD_LETTER_SHARE,
  type DeadLetters,
  type Delivery,
  MAX_BATCHES,
  type NackMode,
  type OpenedProducer,
  type OutgoingBatch,
  type ProducerPosition,
  type PublishOutcome,
  type Queue,
  type QueueStats,
} from "../port.ts";
import { type Bell, createBell } from "./bell.ts";
import { RedisDeadLetters } from "./dead-letters.ts";
import { Repairs } from "./orphans.ts";
import { type Claimed, MAX_CALL_BYTES, Partition } from "./partition.ts";
import { Partitions } from "./partitions.ts";
import { createScripts } from "./scripts.ts";
import { addStats, statsOf } from "./stats.ts";
import { Waiting } from "./waiting.ts";

/** `retryAfterMs` of a full queue: consumers in other processes handle a few batches in that time. */
const FULL_RETRY_MS = 100;
/** How often an idle queue checks that its figures add up. */
const AUDIT_MS = 60_000;

export interface RedisQueueOptions {
  readonly partitions: number;
  /** Bound on the bytes of ready, leased and delayed bodies in all partitions together. */
  readonly maxBytes: number;
  /** Attempts before a batch becomes a dead letter. */
  readonly maxDeliveries: number;
}

export interface RedisQueueParts {
  readonly commands: RedisConnection;
  readonly blocking: RedisConnection;
  /** Keys of different partitions may be on different servers. */
  readonly isCluster: boolean;
  readonly log: Logger;
  /** Times waits in this process. Leases and delays use the time of Redis. */
  readonly clock: Clock;
}

export class RedisQueue implements Queue {
  readonly deadLetters: DeadLetters;
  readonly #parts: RedisQueueParts;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #partitions: Partitions;
  readonly #bell: Bell;
  readonly #waiting: Waiting;
  readonly #repairs: Repairs;
  #auditAt = 0;
  #closed = false;

  constructor(options: RedisQueueOptions, parts: RedisQueueParts) {
    const { partitions, maxBytes, maxDeliveries } = options;
    const share = (whole: number) => Math.floor(whole / partitions);
    const scripts = createScripts({
      maxBytes: share(maxBytes),
      maxBatches: share(MAX_BATCHES),
      maxDeadBytes: share(maxBytes * DEAD_LETTER_SHARE),
      maxDeliveries,
    });
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#maxBytes = share(maxBytes);
    const all = Array.from(
      { length: partitions },
      (_, number) => new Partition(number, { redis: parts.commands, scripts }),
    );
    this.#partitions = new Partitions(all);
    this.#bell = createBell(all, parts);
    this.#waiting = new Waiting({
      clock: this.#clock,
      bell: this.#bell,
      claim: (request, partition) => this.#claim(request, partition),
      giveBack: (deliveries) => this.#giveBack(deliveries),
    });
    this.#repairs = new Repairs({ redis: parts.commands, log: parts.log, onRepaired: () => this.#bell.ring() });
    this.deadLetters = new RedisDeadLetters(all, () => this.#bell.ring());
  }

  async openProducer(
    producer: string,
    { inherit = [] }: { inherit?: readonly string[] } = {},
  ): Promise<OpenedProducer> {
    checkOpen(producer, inherit);
    this.#checkOpen();
    const { epoch, seq, position } = await this.#partitions.of(producer).open(producer);
    if (seq > 0) return { epoch, seq, position, inherited: [] };
    const others = [...new Set(inherit)].filter((other) => other !== producer);
    const positions = await Promise.all(others.map((other) => this.#partitions.of(other).position(other)));
    const inherited = positions.filter((found): found is ProducerPosition => found !== null);
    return { epoch, seq, position: null, inherited };
  }

  async publish(batches: readonly OutgoingBatch[], from: { producer: string; epoch: number }): Promise<PublishOutcome> {
    checkPublish(batches, from);
    this.#checkOpen();
    const { kind, last } = await this.#partitions.of(from.producer).publish(batches, from);
    switch (kind) {
      case "accepted":
        this.#bell.ring();
        return { kind };
      case "gap":
        return { kind, last };
      case "full":
        return { kind, retryAfterMs: FULL_RETRY_MS };
      case "epoch_ahead":
        return refuseEpoch(from.epoch);
      case "too_large": {
        const bytes = batches.reduce((sum, { body }) => sum + body.byteLength, 0);
        const holds = Math.min(this.#maxBytes, MAX_CALL_BYTES);
        throw new AppError(`Queue: the bodies of a publish must be at most ${holds} bytes together, got ${bytes}`, {
          code: "too_large",
        });
      }
      default:
        return { kind };
    }
  }

  async claim(request: ClaimRequest): Promise<readonly Delivery[]> {
    checkClaim(request);
    this.#checkOpen();
    const { signal, waitMs } = request;
    if (signal?.aborted) return [];
    const { deliveries, dueInMs } = await this.#claim(request, null);
    if (signal?.aborted) {
      await this.#giveBack(deliveries);
      return [];
    }
    if (deliveries.length > 0 || waitMs === 0 || this.#closed) return deliveries;
    return await this.#waiting.wait(request, dueInMs);
  }

  async ack(receipts: readonly string[]): Promise<readonly boolean[]> {
    checkReceipts(receipts);
    this.#checkOpen();
    return await this.#partitions.answer(receipts, (partition, named) => partition.ack(named));
  }

  async nack(receipts: readonly string[], mode: NackMode): Promise<readonly boolean[]> {
    const reason = checkNack(receipts, mode);
    this.#checkOpen();
    const answers = await this.#partitions.answer(receipts, (partition, named) => partition.nack(named, mode, reason));
    if (answers.includes(true)) this.#bell.ring();
    return answers;
  }

  async extend(receipts: readonly string[], leaseMs: number): Promise<readonly boolean[]> {
    checkExtend(receipts, leaseMs);
    this.#checkOpen();
    return await this.#partitions.answer(receipts, (partition, named) => partition.extend(named, leaseMs));
  }

  async stats(): Promise<QueueStats> {
    this.#checkOpen();
    const stats = await Promise.all(
      this.#partitions.all.map(async (partition) => statsOf(await partition.ask("stats", []))),
    );
    const damaged = this.#partitions.all.filter((_, index) => (stats[index]?.orphans ?? 0) > 0);
    if (damaged.length > 0) void this.#repairs.run(damaged);
    return stats.reduce(addStats);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#waiting.close();
    await this.#parts.blocking[Symbol.asyncDispose]();
    await this.#parts.commands[Symbol.asyncDispose]();
  }

  #checkOpen(): void {
    if (this.#closed) throw new AppError("The queue is closed", { code: "unavailable" });
  }

  async #claim(request: ClaimRequest, first: number | null): Promise<Claimed> {
    const claimed = await this.#partitions.claim(request, first);
    if (claimed.left > 0) this.#bell.ring();
    // `stats` repairs orphans, so an idle queue calls it even if no operator does.
    if (claimed.deliveries.length === 0 && this.#clock.monotonic() >= this.#auditAt) {
      this.#auditAt = this.#clock.monotonic() + AUDIT_MS;
      void this.stats().catch(() => {});
    }
    return claimed;
  }

  /** Does not throw: a batch that cannot be released returns when its lease ends. */
  async #giveBack(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const receipts = deliveries.map(({ receipt }) => receipt);
    try {
      // Not `this.nack`, which throws once the queue is closed.
      await this.#partitions.answer(receipts, (partition, named) => partition.nack(named, { kind: "release" }, ""));
      this.#bell.ring();
    } catch (error) {
      this.#parts.log.warn("release failed", { batches: deliveries.length, error });
    }
  }
}
