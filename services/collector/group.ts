/** Handles one group of deliveries: decode, save, publish live, acknowledge. */
import { setImmediate } from "node:timers/promises";
import type { Batch } from "../../schema/batch/batch.ts";
import { decodeBatch, isNewerBatch, sizeOfBatch } from "../../schema/batch/codec.ts";
import { isAppError, messageOf } from "../../schema/model/errors.ts";
import type { Availability, RetryOptions } from "../platform/process/availability.ts";
import { backoffMs, type Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ConsumerQueue, Delivery, NackMode } from "../queue/port.ts";
import type { StoredPosition, TelemetryRepository } from "../repository/port.ts";
import type { Frontier } from "./frontier.ts";
import { Leases } from "./leases.ts";
import type { PublishLive } from "./publish-live.ts";
import type { RejectReason, RetryReason, Tally } from "./tally.ts";

/**
 * How many readings one save may have, because a store in this process blocks the thread. A single batch may have more.
 */
const MAX_SAVE_READINGS = 131_072;
/**
 * How many unpacked bytes one save may have, to bound the memory of its decoded batches. A single batch may have more.
 */
const MAX_SAVE_BYTES = 16 * 1024 * 1024;
const REDELIVERY_DELAY = { baseMs: 1000, capMs: 60_000 };
/** How long a batch of a newer version waits for a collector that knows it, before it is delivered again. */
const NEWER_BATCH_DELAY_MS = 10_000;

export interface GroupContext {
  readonly queue: ConsumerQueue;
  readonly repository: Pick<TelemetryRepository, "save">;
  readonly publishLive: PublishLive;
  readonly availability: { readonly queue: Availability; readonly store: Availability };
  /** How long calls are retried. The queue's deadline is later, so that batches that were not saved can be released. */
  readonly retry: { readonly queue: RetryOptions; readonly store: RetryOptions };
  /** Set if the store keeps positions; groups are then handled one at a time, in the order of their claims. */
  readonly frontier: Frontier | undefined;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tally: Tally;
  /** When it aborts, no further save begins. */
  readonly stopping: AbortSignal;
  /** When it aborts, so does a save that is in progress. */
  readonly saveDeadline: AbortSignal;
}

interface Decoded {
  readonly delivery: Delivery;
  readonly batch: Batch;
}

/**
 * Splits a group, in order, into parts of at most `MAX_SAVE_READINGS` readings and `MAX_SAVE_BYTES` bytes, or of one
 * larger delivery. A producer may have counted the readings wrongly, so the larger of its count and the batch's own
 * count decides.
 */
function* savesOf(deliveries: readonly Delivery[]): Generator<readonly Delivery[]> {
  let part: Delivery[] = [];
  let sum = { readings: 0, bodyBytes: 0 };
  for (const delivery of deliveries) {
    const size = sizeOfBatch(delivery.body);
    const { readings: declared, bodyBytes } = size.ok ? size.value : { readings: 0, bodyBytes: 0 };
    const readings = Math.max(declared, delivery.readings);
    const isFull = sum.readings + readings > MAX_SAVE_READINGS || sum.bodyBytes + bodyBytes > MAX_SAVE_BYTES;
    if (part.length > 0 && isFull) {
      yield part;
      part = [];
      sum = { readings: 0, bodyBytes: 0 };
    }
    part.push(delivery);
    sum = { readings: sum.readings + readings, bodyBytes: sum.bodyBytes + bodyBytes };
  }
  if (part.length > 0) yield part;
}

/**
 * Acknowledges, retries, rejects or releases every delivery of the group. If the queue is unavailable for too long, the
 * leases expire instead. Never rejects.
 */
export async function handleGroup(deliveries: readonly Delivery[], context: GroupContext): Promise<void> {
  const { queue, leaseMs, clock, log, tally } = context;
  await using leases = new Leases(deliveries, {
    queue,
    leaseMs,
    clock,
    log,
    onLost: (lost) => {
      tally.leasesLost(lost);
      log.warn("leases lost", { deliveries: lost });
    },
  });
  await new Group(leases, context).handle(deliveries);
}

class Group {
  readonly #leases: Leases;
  readonly #context: GroupContext;
  /** Receipts of stored batches. */
  readonly #stored: string[] = [];

  constructor(leases: Leases, context: GroupContext) {
    this.#leases = leases;
    this.#context = context;
  }

  async handle(deliveries: readonly Delivery[]): Promise<void> {
    const { log, tally, stopping } = this.#context;
    let defect: unknown;
    try {
      await this.#work(deliveries);
    } catch (error) {
      if (!isAppError(error, "unavailable")) defect = error;
    }
    await this.#ack();
    const { open } = this.#leases;
    if (open.length === 0) return;
    if (defect === undefined) {
      if (await this.#giveBack(open, { kind: "release" })) tally.released(open.length);
      log.info("deliveries released", { deliveries: open.length, stopping: stopping.aborted });
      return;
    }
    log.error("group failed", { error: defect, deliveries: open.length });
    tally.retried("defect", open.length);
    await this.#giveBack(open, { kind: "retry", delayMs: REDELIVERY_DELAY.baseMs, reason: messageOf(defect) });
  }

  async #work(deliveries: readonly Delivery[]): Promise<void> {
    const { frontier, availability, retry, stopping } = this.#context;
    if (frontier !== undefined) {
      await availability.store.untilAvailable(() => frontier.meet(deliveries), retry.store);
    }
    for (const part of savesOf(deliveries)) {
      if (stopping.aborted) return;
      const decoded: Decoded[] = [];
      for (const delivery of part) {
        if (isNewerBatch(delivery.body)) {
          await this.#leave(delivery);
          continue;
        }
        const batch = decodeBatch(delivery.body);
        if (batch.ok) decoded.push({ delivery, batch: batch.value });
        else await this.#reject(delivery, "undecodable", batch.error);
      }
      if (decoded.length > 0) await this.#store(decoded);
      await setImmediate();
    }
    const skipped = frontier?.stage([]);
    if (skipped === undefined || skipped.positions.length === 0) return;
    await this.#save([], skipped.positions);
    skipped.commit();
  }

  /**
   * Saves all batches in one call. If the store refuses the call, saves the batches one by one to find the bad ones.
   */
  async #store(decoded: readonly Decoded[]): Promise<void> {
    const batches = decoded.map(({ batch }) => batch);
    const staged = this.#context.frontier?.stage(decoded.map(({ delivery }) => delivery));
    try {
      await this.#save(batches, staged?.positions);
    } catch (error) {
      const only = decoded.length === 1 ? decoded[0] : undefined;
      if (isAppError(error, "unavailable")) throw error;
      if (only !== undefined) return this.#refuse(only.delivery, error);
      for (const one of decoded) await this.#store([one]);
      return;
    }
    staged?.commit();
    for (const { delivery } of decoded) this.#stored.push(delivery.receipt);
    await this.#context.publishLive(batches);
  }

  async #save(batches: readonly Batch[], positions: readonly StoredPosition[] | undefined): Promise<void> {
    const { repository, availability, retry, clock, log, tally, saveDeadline: signal } = this.#context;
    const options = positions === undefined ? { signal } : { positions, signal };
    let startedAt = 0;
    const outcome = await availability.store.untilAvailable(() => {
      startedAt = clock.monotonic();
      return repository.save(batches, options);
    }, retry.store);
    const tookMs = clock.monotonic() - startedAt;
    tally.saved(batches.length, outcome, tookMs / 1000);
    log.debug("batches stored", { batches: batches.length, ...outcome, tookMs: Math.round(tookMs) });
  }

  /** Rejects a batch that is invalid; returns any other batch to the queue for a later delivery. */
  async #refuse(delivery: Delivery, error: unknown): Promise<void> {
    if (isAppError(error, "invalid")) return this.#reject(delivery, "invalid", error.message);
    const { log, tally } = this.#context;
    const { id, producer, seq, attempt, receipt } = delivery;
    log.error("batch not stored", { id, producer, seq, attempt, error });
    tally.retried("store_failed", 1);
    const delayMs = backoffMs(attempt, REDELIVERY_DELAY);
    await this.#giveBack([receipt], { kind: "retry", delayMs, reason: messageOf(error) });
  }

  /** Releases a batch of a newer version: only collectors of an upgrade in progress know it. */
  async #leave({ id, producer, seq, receipt }: Delivery): Promise<void> {
    const { log, tally } = this.#context;
    log.warn("batch is of a newer version, left for newer collectors", { id, producer, seq });
    if (await this.#giveBack([receipt], { kind: "release", delayMs: NEWER_BATCH_DELAY_MS })) tally.released(1);
  }

  async #reject(delivery: Delivery, why: RejectReason, reason: string): Promise<void> {
    const { frontier, log, tally } = this.#context;
    const { id, producer, seq, receipt } = delivery;
    log.error("batch rejected", { id, producer, seq, why, reason });
    tally.rejected(why);
    if (await this.#giveBack([receipt], { kind: "reject", reason })) frontier?.skip(delivery);
  }

  async #ack(): Promise<void> {
    const receipts = this.#stored;
    if (receipts.length === 0) return;
    const done = await this.#settle(receipts, "batches not acknowledged", () => this.#context.queue.ack(receipts));
    if (done) this.#context.log.debug("batches acknowledged", { batches: receipts.length });
  }

  #giveBack(receipts: readonly string[], mode: NackMode): Promise<boolean> {
    return this.#settle(receipts, "deliveries not given back", () => this.#context.queue.nack(receipts, mode));
  }

  /**
   * Calls the queue to settle deliveries. Resolves to false if the queue did not accept the call; the leases then
   * expire.
   */
  async #settle(receipts: readonly string[], failure: string, call: () => Promise<unknown>): Promise<boolean> {
    const { availability, retry, log, tally } = this.#context;
    try {
      await availability.queue.untilAvailable(call, retry.queue);
      return true;
    } catch (error) {
      const reason: RetryReason = isAppError(error, "unavailable") ? "queue_away" : "queue_failed";
      tally.retried(reason);
      log.error(failure, { deliveries: receipts.length, error });
      return false;
    } finally {
      this.#leases.settle(receipts);
    }
  }
}
