/** The scraper: scrapes targets, records each scrape in the spool, and sends the spool to the queue. */
import type { LabelRules } from "../../schema/dcgm/label-rules.ts";
import { Availability } from "../platform/process/availability.ts";
import type { Clock } from "../platform/process/clock.ts";
import { aborted } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Queue } from "../queue/port.ts";
import { producerOf, sendFromSpool } from "../spool/send/sender.ts";
import type { Spool } from "../spool/spool.ts";
import type { ScraperConfig } from "./config.ts";
import { Recorder } from "./record/recorder.ts";
import type { Dependency, ScraperTotals } from "./record/totals.ts";
import { ScrapeLoop } from "./scrape/scrape-loop.ts";
import { FileTargets } from "./targets/file-targets.ts";
import { type FollowOptions, followTargets } from "./targets/follow-targets.ts";
import { HttpTargets } from "./targets/http-targets.ts";
import { KubernetesTargets } from "./targets/kubernetes/kubernetes-targets.ts";
import { TargetList } from "./targets/target-list.ts";
import type { TargetSource } from "./targets/target-source.ts";

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
  const producer = producerOf(spool, "scrape");
  const sender = { spool, producer, queue, availability, clock, onAccepted, onGap, complete: complete.signal };
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
