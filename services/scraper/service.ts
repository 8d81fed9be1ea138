/** The scraper: scrapes targets, records each scrape in the spool, and sends the spool to the queue. */
import { createBatchBuilder } from "../../schema/batch/builder.ts";
import { tryToEncodeBatch } from "../../schema/batch/codec.ts";
import type { LabelRules } from "../../schema/dcgm/label-rules.ts";
import { AppError } from "../../schema/model/errors.ts";
import { Availability } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import { aborted } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Queue } from "../queue/port.ts";
import type { ScraperConfig } from "./config.ts";
import { addTick } from "./exposition/tick-batch.ts";
import { ScrapeLoop, type ScrapeOutcome } from "./scrape/scrape-loop.ts";
import { producerOf, sendFromSpool } from "./send/sender.ts";
import type { Spool } from "./spool/spool.ts";
import { FileTargets } from "./targets/file-targets.ts";
import { type FollowOptions, followTargets } from "./targets/follow-targets.ts";
import { HttpTargets } from "./targets/http-targets.ts";
import { KubernetesTargets } from "./targets/kubernetes/kubernetes-targets.ts";
import type { Target } from "./targets/target.ts";
import { TargetList } from "./targets/target-list.ts";
import type { TargetSource } from "./targets/target-source.ts";

/** What a scraper has done; the numbers only grow, except `targets`. */
export interface ScraperTotals {
  scrapes: number;
  failed: number;
  /** Readings and marks in the spool. */
  recorded: number;
  /** Readings and marks of scrapes that did not fit into the spool, or that its disk has refused: a gap. */
  lost: number;
  skipped: number;
  /** Looks at a list of targets that gave none. */
  listFailures: number;
  /** Targets at this moment. */
  targets: number;
}

const NO_TOTALS: ScraperTotals = {
  scrapes: 0,
  failed: 0,
  recorded: 0,
  lost: 0,
  skipped: 0,
  listFailures: 0,
  targets: 0,
};

export interface ScraperOptions {
  readonly config: ScraperConfig;
  readonly rules: LabelRules;
  readonly spool: Spool;
  readonly queue: Pick<Queue, "openProducer" | "publish">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the scrapes, and the run `drainMs` later at the latest. Records that are still unsent stay in the spool. */
  readonly signal: AbortSignal;
  /** How long unsent records may be sent once the signal has aborted, as long as the queue answers. Default: 0. */
  readonly drainMs?: number | undefined;
  /**
   * Called when the queue has accepted all records up to this one. A queue that keeps them itself needs no more:
   * confirm them. A queue in memory loses them with its process: confirm what the store has.
   */
  readonly onAccepted: (number: number) => Promise<void>;
  /** The object keeps growing. */
  readonly onTotals?: ((totals: ScraperTotals) => void) | undefined;
  /** Called with the problem when a dependency becomes unavailable, and with null when it is available again. */
  readonly onState?: ((dependency: Dependency, problem: string | null) => void) | undefined;
}

/**
 * Without the queue, scrapes are recorded; without the spool, they are lost. `targets`: nothing can be scraped, because
 * a source has given no list.
 */
export type Dependency = "queue" | "spool" | "targets";

/**
 * A disk that refuses the spool's writes costs scrapes, and ends nothing.
 * @throws AppError `conflict` if another process sends from the spool; errors of reading the spool
 */
export async function runScraper(options: ScraperOptions): Promise<void> {
  const { config, rules, clock, log, spool, queue, signal, drainMs = 0, onAccepted, onState } = options;
  const { shard, shards } = config.shard;
  if (shard >= shards) log.warn("shard is not needed, only sending what is in the spool", { shard, shards });
  const complete = new AbortController();
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  const recorder = new Recorder(options);
  const broken = Promise.withResolvers<never>();
  // A rejection is observed even if the run has ended otherwise.
  broken.promise.catch(() => undefined);
  const loop = new ScrapeLoop({
    config,
    rules,
    clock,
    take: (outcome) => recorder.take(outcome).catch(broken.reject),
    ignored: (label, metric) => log.info("label is ignored", { label, metric }),
  });
  const availability = new Availability("queue", { clock, log, onChange: (problem) => onState?.("queue", problem) });
  const onGap = (record: number) => log.warn("queue has lost batches, sending again", { record });
  const sender = { spool, queue, availability, clock, onAccepted, onGap, complete: complete.signal };
  const sources = sourcesOf(config);
  const list = new TargetList({ ...config, sources });
  const follow: FollowOptions = {
    ...{ list, sources, clock, log },
    add: (target) => loop.add(target),
    remove: async (target) => {
      await loop.remove(target);
      recorder.forget(target);
    },
    looked: () => {
      recorder.listed(list);
      const [problem] = list.targets.length === 0 ? list.problems : [];
      onState?.("targets", problem?.join(": ") ?? null);
    },
  };
  void aborted(signal).then(async () => {
    await loop.stop();
    complete.abort();
    await clock.sleep(drainMs, { signal: ending.signal });
    ending.abort();
  });
  try {
    await Promise.race([
      sendFromSpool(sender, ending.signal),
      followTargets(follow, either).then(() => new Promise<never>(() => undefined)),
      broken.promise,
    ]);
  } finally {
    ending.abort();
    await loop.stop();
  }
}

/** Returns the places at which the configuration finds targets. */
const sourcesOf = ({
  files,
  httpLists,
  httpIntervalMs,
  tls,
  services,
  kubernetes,
}: ScraperConfig): readonly TargetSource[] => [
  ...files.map((path) => new FileTargets(path)),
  ...httpLists.map((url) => new HttpTargets({ url, intervalMs: httpIntervalMs, tls })),
  ...services.map((service) => new KubernetesTargets(kubernetes, service)),
];

class Recorder {
  readonly #options: ScraperOptions;
  readonly #states = new Map<string, Availability>();
  readonly #totals = { ...NO_TOTALS };
  readonly #reported = new Set<string>();
  readonly #disk: Availability;
  #isFull = false;

  constructor(options: ScraperOptions) {
    this.#options = options;
    const { clock, log, onState } = options;
    this.#disk = new Availability("spool", { clock, log, onChange: (problem) => onState?.("spool", problem) });
  }

  async take({ target, tick, problem }: ScrapeOutcome): Promise<void> {
    const { clock, log, onTotals, spool } = this.#options;
    const state = this.#states.get(target.key) ?? new Availability(target.url, { clock, log });
    this.#states.set(target.key, state);
    this.#totals.scrapes++;
    if (problem === undefined) state.up();
    else {
      this.#totals.failed++;
      state.down(problem);
    }
    for (const [reason, { count, detail }] of tick.skips) {
      this.#totals.skipped += count;
      if (this.#reported.has(reason)) continue;
      this.#reported.add(reason);
      log.warn("samples are skipped", { reason, target: target.url, detail });
    }
    const size = tick.values.length;
    if (size > 0) {
      const builder = createBatchBuilder(2);
      addTick(builder, tick);
      // The queue numbers batches itself; number and life in the batch are for people who look at it.
      const batch = builder.take({ producer: producerOf(spool), epoch: 1, seq: spool.next });
      const body = tryToEncodeBatch(batch);
      const number = body instanceof AppError ? null : await this.#record(body, batch.readings);
      this.#totals[number === null ? "lost" : "recorded"] += size;
      if (body instanceof AppError) log.error("scrape is too large, its readings are lost", { target: target.url });
      else if (!this.#disk.isDown) this.#report(number === null);
    }
    onTotals?.(this.#totals);
  }

  /** Returns null if the spool is full or its disk refuses the write. */
  async #record(body: Uint8Array, readings: number): Promise<number | null> {
    try {
      const number = await this.#options.spool.append(body, readings);
      this.#disk.up();
      return number;
    } catch (error) {
      this.#disk.down((error as Error).message);
      return null;
    }
  }

  listed({ targets, failures }: Pick<TargetList, "targets" | "failures">): void {
    this.#totals.targets = targets.length;
    this.#totals.listFailures = failures;
    this.#options.onTotals?.(this.#totals);
  }

  forget(target: Target): void {
    this.#states.delete(target.key);
  }

  #report(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const { log, spool, onState } = this.#options;
    onState?.("spool", isFull ? "is full" : null);
    const fields = { bytes: spool.bytes, scrapesLost: spool.refused };
    if (isFull) log.error("spool is full, scrapes are lost", fields);
    else log.warn("spool has room again", fields);
  }
}
