/** Takes batches from the queue, stores them, publishes them to the live feed, and only then acknowledges them. */
import type { LiveFeed } from "../live-feed/port.ts";
import { Availability, type RetryOptions, withinDeadline } from "../platform/process/availability.ts";
import { backoffMs, type Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { ConsumerQueue, Delivery } from "../queue/port.ts";
import type { TelemetryRepository } from "../repository/port.ts";
import type { CollectorConfig } from "./config.ts";
import { Frontier } from "./frontier.ts";
import { type GroupContext, handleGroup } from "./group.ts";
import { createLivePublisher } from "./publish-live.ts";
import { runRetention } from "./retention.ts";
import { type CollectorSummary, createTally, type Tally } from "./tally.ts";

/**
 * How long saves in flight may take after a stop, and how long after that the calls that settle deliveries may take.
 */
const STOP_MS = { store: 8000, queue: 2000 };
const CLAIM_WAIT_MS = 20_000;
/** Pause between attempts of a call while the store or the queue is unavailable. */
const BACKOFF = { baseMs: 100, capMs: 5000 };

export interface CollectorDependencies {
  readonly queue: ConsumerQueue;
  readonly repository: Pick<TelemetryRepository, "save" | "position" | "expire">;
  readonly liveFeed: Pick<LiveFeed, "publish">;
  /** The age, by a reading's own time, at which the store drops it. Default: 0, which keeps everything. */
  readonly retentionMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /**
   * Stops the collector within 10 s: it stops claiming, finishes the saves in flight, acknowledges the stored batches,
   * and releases the others.
   */
  readonly signal: AbortSignal;
  /** Called with the problem when the store or the queue becomes unavailable, and with null once both are available. */
  readonly onState?: ((problem: string | null) => void) | undefined;
}

/**
 * Runs until the signal aborts, and resolves to the totals. A batch is acknowledged after the store has confirmed it.
 * To stop at the end of a source, wait until `ready`, `leased` and `delayed` of `queue.stats()` are 0, then abort.
 */
export const runCollector = (config: CollectorConfig, dependencies: CollectorDependencies): Promise<CollectorSummary> =>
  new Collector(config, dependencies).run();

class Collector {
  readonly #config: CollectorConfig;
  readonly #dependencies: CollectorDependencies;
  readonly #deadlines = { store: new AbortController(), queue: new AbortController() };
  readonly #tally: Tally;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #context: GroupContext;
  /** Problems by dependency. */
  readonly #problems = new Map<string, string>();

  constructor(config: CollectorConfig, dependencies: CollectorDependencies) {
    const { queue, repository, liveFeed, clock, log, metrics, signal } = dependencies;
    this.#config = config;
    this.#dependencies = dependencies;
    const tally = createTally(metrics, () => this.#inFlight.size);
    this.#tally = tally;
    const deadlines = { store: this.#deadlines.store.signal, queue: this.#deadlines.queue.signal };
    this.#context = {
      queue,
      repository,
      publishLive: createLivePublisher({
        liveFeed,
        clock,
        log,
        deadline: deadlines.store,
        onFailure: () => tally.liveFailed(),
      }),
      availability: { queue: this.#availabilityOf("queue"), store: this.#availabilityOf("store") },
      retry: {
        queue: { signal: deadlines.queue, onRetry: () => tally.retried("queue_away") },
        store: { signal, deadline: deadlines.store, onRetry: () => tally.retried("store_away") },
      },
      frontier: config.positions === "store" ? new Frontier((producer) => repository.position(producer)) : undefined,
      leaseMs: config.leaseMs,
      clock,
      log,
      tally,
      stopping: signal,
      saveDeadline: deadlines.store,
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
      await withinDeadline(() => retention, this.#deadlines.store.signal).catch(() => {});
      return { ...this.#tally.totals };
    } finally {
      finished.abort();
    }
  }

  #availabilityOf(dependency: "queue" | "store"): Availability {
    const { clock, log, onState } = this.#dependencies;
    return new Availability(dependency, {
      clock,
      log,
      backoff: BACKOFF,
      onChange: (problem) => {
        if (problem === null) this.#problems.delete(dependency);
        else this.#problems.set(dependency, `${dependency} is unavailable: ${problem}`);
        onState?.([...this.#problems.values()].join("; ") || null);
      },
    });
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
    const { store } = this.#context.availability;
    const groups = this.#config.positions === "store" ? 1 : this.#config.maxConcurrentHandlers;
    while (!signal.aborted) {
      if (this.#inFlight.size >= groups) {
        await Promise.race(this.#inFlight);
        continue;
      }
      if (store.isDown) {
        await store.whenUp({ signal });
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

  /** Resolves to an empty list if the queue has no ready batch, or if the claim has failed. */
  async #claim(): Promise<readonly Delivery[]> {
    const { queue, clock, log, signal } = this.#dependencies;
    const { batchSize: max, maxGroupBytes: maxBytes, leaseMs } = this.#config;
    const { availability, retry } = this.#context;
    const untilStopped: RetryOptions = { ...retry.queue, signal, deadline: this.#deadlines.queue.signal };
    try {
      return await availability.queue.untilAvailable(
        () => queue.claim({ max, maxBytes, leaseMs, waitMs: CLAIM_WAIT_MS, signal }),
        untilStopped,
      );
    } catch (error) {
      if (signal.aborted) return [];
      this.#tally.retried("queue_failed");
      log.error("claim failed", { error });
      await clock.sleep(backoffMs(3), { signal });
      return [];
    }
  }
}
