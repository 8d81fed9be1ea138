/** Scrapes every target once per interval, and hands over the ticks. */

import type { LabelRules } from "../../../schema/dcgm/label-rules.ts";
import type { Result } from "../../../schema/model/result.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { ScraperConfig } from "../config.ts";
import { SeriesMeanings } from "../exposition/series-meanings.ts";
import { TargetSeries, type Tick } from "../exposition/target-series.ts";
import { nextScrapeAt } from "../targets/schedule.ts";
import type { Target } from "../targets/target.ts";
import { requestMetrics, type ScrapedBody } from "./request.ts";

/** The outcome of one scrape. */
export interface ScrapeOutcome {
  readonly target: Target;
  readonly tick: Tick;
  readonly durationMs: number;
  /** Why the scrape failed; undefined: it has not. */
  readonly problem: string | undefined;
}

export interface ScrapeLoopOptions {
  readonly config: Omit<ScraperConfig, "targets" | "files" | "httpLists" | "services" | "shard" | "spool">;
  readonly rules: LabelRules;
  readonly clock: Clock;
  /** Takes the outcome of each scrape; the target's next scrape waits for it. */
  readonly take: (outcome: ScrapeOutcome) => Promise<void>;
  readonly ignored: (label: string, metric: string) => void;
}

interface Running {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

export class ScrapeLoop {
  readonly #options: ScrapeLoopOptions;
  readonly #meanings: SeriesMeanings;
  readonly #running = new Map<string, Running>();

  constructor(options: ScrapeLoopOptions) {
    this.#options = options;
    this.#meanings = new SeriesMeanings(options.rules, { ignored: options.ignored });
  }

  add(target: Target): void {
    if (this.#running.has(target.key)) return;
    const controller = new AbortController();
    this.#running.set(target.key, { controller, ended: this.#run(target, controller.signal) });
  }

  /** Stops scraping the target, and hands over a tick that ends its series. */
  async remove(target: Target): Promise<void> {
    await this.#stop(target.key, REMOVED);
  }

  /** Stops without ending any series: the targets are still there, and this or another process scrapes them next. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((key) => this.#stop(key, STOPPED)));
  }

  async #stop(key: string, reason: symbol): Promise<void> {
    const running = this.#running.get(key);
    this.#running.delete(key);
    running?.controller.abort(reason);
    await running?.ended;
  }

  async #run(target: Target, signal: AbortSignal): Promise<void> {
    const { config, clock, take } = this.#options;
    const series = new TargetSeries(target.labels, this.#meanings, config);
    for (;;) {
      // A scrape that took longer than the interval has its next one in the interval after.
      await clock.sleep(nextScrapeAt(target, config.intervalMs, clock.now()) - clock.now(), { signal });
      if (signal.aborted) break;
      const at = clock.now();
      const from = clock.monotonic();
      const body = await requestMetrics(target.url, config, signal);
      if (signal.aborted) break;
      const durationMs = clock.monotonic() - from;
      await take({ target, durationMs, ...tickOf(series, at, body) });
    }
    if (signal.reason !== REMOVED || series.size === 0) return;
    await take({
      target,
      durationMs: 0,
      tick: series.fail(clock.now()),
      problem: "target must be listed, got removed",
    });
  }
}

const REMOVED = Symbol("removed");
const STOPPED = Symbol("stopped");

function tickOf(series: TargetSeries, at: number, body: Result<ScrapedBody>): Pick<ScrapeOutcome, "tick" | "problem"> {
  const tick = body.ok ? series.take({ at, ...body.value }) : body;
  return tick.ok ? { tick: tick.value, problem: undefined } : { tick: series.fail(at), problem: tick.error };
}
