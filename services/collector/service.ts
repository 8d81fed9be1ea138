/** Takes batches from the queue, stores them, tells the live feed, and only then acknowledges them. */
import type { LiveFeed } from "../live-feed/port.ts";
import { backoffMs, type Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { ConsumerQueue, Delivery } from "../queue/port.ts";
import type { TelemetryRepository } from "../repository/port.ts";
import type { CollectorConfig } from "./config.ts";
import { Dependency, orAbandoned } from "./dependency.ts";
import { Frontier } from "./frontier.ts";
import { type GroupContext, handleGroup } from "./group.ts";
import { LiveLink } from "./live-link.ts";
import { runRetention } from "./retention.ts";
import { type CollectorSummary, createTally, type Tally } from "./tally.ts";

/** How long a save under way may take once a stop is asked for, and after that the queue to hear of it. */
const STOP_MS = { store: 8000, queue: 2000 };
const CLAIM_WAIT_MS = 20_000;

export interface CollectorDependencies {
  readonly queue: ConsumerQueue;
  readonly repository: Pick<TelemetryRepository, "save" | "position" | "expire">;
  readonly liveFeed: Pick<LiveFeed, "publish">;
  /** Age of a reading, by its own time, at which it is dropped from the store; 0, the default, keeps everything. */
  readonly retentionMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /**
   * Asks it to stop: it claims no more, finishes the save under way, acknowledges, and releases the rest; within 10 s.
   */
  readonly signal: AbortSignal;
  /** Told what is wrong when the store or the queue goes away, and null when both are there again. */
  readonly onState?: ((problem: string | null) => void) | undefined;
}

/**
 * Runs until the signal aborts, and resolves to what was done. Nothing is acknowledged before the store has said yes.
 * A caller whose source has ended waits for `ready`, `leased` and `delayed` of the queue's `stats()` to be 0, then aborts.
 */
export const runCollector = (config: CollectorConfig, dependencies: CollectorDependencies): Promise<CollectorSummary> =>
  new Collector(config, dependencies).run();

class Collector {
  readonly #config: CollectorConfig;
  readonly #dependencies: CollectorDependencies;
  readonly #deadlines = { store: new AbortController(), queue: new AbortController() };
  readonly #tally: Tally;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #queueLink: Dependency;
  readonly #storeLink: Dependency;
  readonly #context: GroupContext;

  constructor(config: CollectorConfig, dependencies: CollectorDependencies) {
    const { queue, repository, liveFeed, clock, log, metrics, signal, onState } = dependencies;
    this.#config = config;
    this.#dependencies = dependencies;
    const tally = createTally(metrics, () => this.#inFlight.size);
    this.#tally = tally;
    const problems = new Map<string, string>();
    const link = (name: "store" | "queue") =>
      new Dependency({
        name,
        clock,
        log,
        deadline: this.#deadlines[name].signal,
        onRetry: () => tally.retried(`${name}_away`),
        onState: (problem) => {
          if (problem === null) problems.delete(name);
          else problems.set(name, problem);
          onState?.([...problems.values()].join("; ") || null);
        },
      });
    this.#queueLink = link("queue");
    this.#storeLink = link("store");
    this.#context = {
      queue,
      repository,
      liveLink: new LiveLink({ liveFeed, log, onFailure: () => tally.liveFailed() }),
      queueLink: this.#queueLink,
      storeLink: this.#storeLink,
      frontier: config.positions === "store" ? new Frontier((producer) => repository.position(producer)) : undefined,
      leaseMs: config.leaseMs,
      clock,
      log,
      tally,
      stopping: signal,
      deadline: this.#deadlines.store.signal,
      queueDeadline: this.#deadlines.queue.signal,
    };
  }

  async run(): Promise<CollectorSummary> {
    const { repository, retentionMs = 0, clock, log, signal } = this.#dependencies;
    const finished = new AbortController();
    const retention =
      retentionMs > 0 ? runRetention({ repository, retentionMs, clock, log, signal }) : Promise.resolve();
    const watch = () => void this.#setDeadlines(finished.signal);
    if (signal.aborted) watch();
    else signal.addEventListener("abort", watch, { once: true, signal: finished.signal });
    try {
      await this.#collect();
      await Promise.all(this.#inFlight);
      await orAbandoned(() => retention, this.#deadlines.store.signal).catch(() => {});
      return { ...this.#tally.totals };
    } finally {
      finished.abort();
    }
  }

  async #setDeadlines(finished: AbortSignal): Promise<void> {
    const { clock } = this.#dependencies;
    await clock.sleep(STOP_MS.store, { signal: finished });
    this.#deadlines.store.abort();
    await clock.sleep(STOP_MS.queue, { signal: finished });
    this.#deadlines.queue.abort();
  }

  async #collect(): Promise<void> {
    const { signal } = this.#dependencies;
    const groups = this.#config.positions === "store" ? 1 : this.#config.maxConcurrentHandlers;
    while (!signal.aborted) {
      if (this.#inFlight.size >= groups) {
        await Promise.race(this.#inFlight);
        continue;
      }
      if (this.#storeLink.away) {
        await this.#storeLink.back(signal);
        continue;
      }
      const deliveries = await this.#claim();
      if (deliveries.length > 0) this.#begin(deliveries);
    }
  }

  #begin(deliveries: readonly Delivery[]): void {
    const group = handleGroup(deliveries, this.#context).finally(() => this.#inFlight.delete(group));
    this.#inFlight.add(group);
  }

  /** Empty when there is nothing, and when there was no answer. */
  async #claim(): Promise<readonly Delivery[]> {
    const { queue, clock, log, signal } = this.#dependencies;
    const { batchSize: max, maxGroupBytes: maxBytes, leaseMs } = this.#config;
    try {
      return await this.#queueLink.call(() => queue.claim({ max, maxBytes, leaseMs, waitMs: CLAIM_WAIT_MS, signal }), {
        giveUp: signal,
      });
    } catch (error) {
      if (signal.aborted) return [];
      this.#tally.retried("queue_failed");
      log.error("nothing claimed", { error });
      await clock.sleep(backoffMs(3), { signal });
      return [];
    }
  }
}
