/** One group of deliveries from the queue to the store, the live feed and back to the queue's ack. */
import { setImmediate } from "node:timers";
import type { Batch } from "../../schema/batch/batch.ts";
import { decodeBatch } from "../../schema/batch/codec.ts";
import { isAppError, messageOf } from "../../schema/model/errors.ts";
import { backoffMs, type Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { ConsumerQueue, Delivery, NackMode } from "../queue/port.ts";
import type { StoredPosition, TelemetryRepository } from "../repository/port.ts";
import type { Dependency } from "./dependency.ts";
import type { Frontier } from "./frontier.ts";
import { Leases } from "./leases.ts";
import type { LiveLink } from "./live-link.ts";
import type { RejectReason, RetryReason, Tally } from "./tally.ts";

/** One save blocks the thread where the store is in this process: so many readings at most, or one batch. */
const MAX_SAVE_READINGS = 131_072;
const RETRY_DELAY = { baseMs: 1000, capMs: 60_000 };

export interface GroupContext {
  readonly queue: ConsumerQueue;
  readonly repository: Pick<TelemetryRepository, "save">;
  readonly liveLink: LiveLink;
  readonly queueLink: Dependency;
  readonly storeLink: Dependency;
  /** Only where the store keeps positions; groups are then handled one at a time, in the order of their claims. */
  readonly frontier: Frontier | undefined;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tally: Tally;
  /** What has not begun is not begun any more. */
  readonly stopping: AbortSignal;
  /** What the store and the live feed have not answered by then is abandoned. */
  readonly deadline: AbortSignal;
  /** The same for the queue, later: so that what was abandoned can still be given back. */
  readonly queueDeadline: AbortSignal;
}

interface Decoded {
  readonly delivery: Delivery;
  readonly batch: Batch;
}

/** Parts that are saved at once, in order. */
function* parts(deliveries: readonly Delivery[]): Generator<readonly Delivery[]> {
  let part: Delivery[] = [];
  let readings = 0;
  for (const delivery of deliveries) {
    if (part.length > 0 && readings + delivery.readings > MAX_SAVE_READINGS) {
      yield part;
      part = [];
      readings = 0;
    }
    part.push(delivery);
    readings += delivery.readings;
  }
  if (part.length > 0) yield part;
}

const otherWork = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Settles every delivery of the group one way or the other, as far as the queue can be reached; never rejects. */
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
    await this.#giveBack(open, { kind: "retry", delayMs: RETRY_DELAY.baseMs, reason: messageOf(defect) });
  }

  async #work(deliveries: readonly Delivery[]): Promise<void> {
    const { frontier, storeLink, stopping } = this.#context;
    if (frontier !== undefined) await storeLink.call(() => frontier.meet(deliveries), { giveUp: stopping });
    for (const part of parts(deliveries)) {
      if (stopping.aborted) return;
      const decoded: Decoded[] = [];
      for (const delivery of part) {
        const batch = decodeBatch(delivery.body);
        if (batch.ok) decoded.push({ delivery, batch: batch.value });
        else await this.#reject(delivery, "undecodable", batch.error);
      }
      if (decoded.length > 0) await this.#store(decoded);
      await otherWork();
    }
    const rest = frontier?.stage([]);
    if (rest === undefined || rest.positions.length === 0) return;
    await this.#save([], rest.positions);
    rest.commit();
  }

  /** All at once; when the store refuses them, one by one, so that only the bad ones are set apart. */
  async #store(decoded: readonly Decoded[]): Promise<void> {
    const batches = decoded.map(({ batch }) => batch);
    const staged = this.#context.frontier?.stage(decoded.map(({ delivery }) => delivery));
    try {
      await this.#save(batches, staged?.positions);
    } catch (error) {
      const only = decoded.length === 1 ? decoded[0] : undefined;
      if (isAppError(error, "unavailable")) throw error;
      if (only !== undefined) return this.#setApart(only.delivery, error);
      for (const one of decoded) await this.#store([one]);
      return;
    }
    staged?.commit();
    for (const { delivery } of decoded) this.#stored.push(delivery.receipt);
    await this.#context.liveLink.tell(batches, this.#context.deadline);
  }

  async #save(batches: readonly Batch[], positions: readonly StoredPosition[] | undefined): Promise<void> {
    const { repository, storeLink, clock, log, tally, stopping, deadline } = this.#context;
    const options = positions === undefined ? { signal: deadline } : { positions, signal: deadline };
    let startedAt = 0;
    const outcome = await storeLink.call(
      () => {
        startedAt = clock.now();
        return repository.save(batches, options);
      },
      { giveUp: stopping },
    );
    const ms = clock.now() - startedAt;
    tally.saved(batches.length, outcome, ms / 1000);
    log.debug("batches stored", { batches: batches.length, ...outcome, ms });
  }

  async #setApart(delivery: Delivery, error: unknown): Promise<void> {
    if (isAppError(error, "invalid")) return this.#reject(delivery, "invalid", error.message);
    const { log, tally } = this.#context;
    const { id, producer, seq, attempt, receipt } = delivery;
    log.error("batch not stored", { id, producer, seq, attempt, error });
    tally.retried("store_failed", 1);
    const delayMs = backoffMs(attempt, RETRY_DELAY);
    await this.#giveBack([receipt], { kind: "retry", delayMs, reason: messageOf(error) });
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

  /** False when the queue did not take it: the leases then end by themselves. */
  async #settle(receipts: readonly string[], failure: string, ask: () => Promise<unknown>): Promise<boolean> {
    const { queueLink, queueDeadline, log, tally } = this.#context;
    try {
      await queueLink.call(ask, { giveUp: queueDeadline });
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
