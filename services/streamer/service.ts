/** The streamer: cuts sources into batches of whole GPUs and publishes them, resuming where the queue says. */
import type { Clock } from "../platform/process/clock.ts";
import { aborted } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { ProducerQueue } from "../queue/port.ts";
import type { Sources } from "../sources/port.ts";
import type { StreamerConfig } from "./config.ts";
import { LiveTimes } from "./cut/live-times.ts";
import { streamPasses } from "./passes.ts";
import { LabelNotices } from "./progress/label-notices.ts";
import { createMeter } from "./progress/meter.ts";
import { Progress, type StreamerProgress } from "./progress/progress.ts";
import { SkippedRows } from "./progress/skipped-rows.ts";
import { type StreamerSummary, type StreamerTotals, Tally } from "./progress/summary.ts";
import { QueueCalls } from "./send/queue-calls.ts";
import { RecentPositions } from "./send/recent-positions.ts";

export interface StreamerOptions {
  readonly sources: Sources;
  readonly queue: ProducerQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /** Ends the run; the summary so far is returned. */
  readonly signal: AbortSignal;
  /** Called at most once per confirmed batch. */
  readonly onProgress?: ((progress: StreamerProgress) => void) | undefined;
  /** Called at the end of the first pass, or when the signal aborts in it. */
  readonly onFirstPass?: ((summary: StreamerSummary) => void) | undefined;
  /** Called with the problem when the streamer cannot work, and with null when it can again. */
  readonly onState?: ((problem: string | null) => void) | undefined;
  /** Called when the totals have grown, at most once per confirmed batch. The object keeps growing. */
  readonly onTotals?: ((totals: StreamerTotals) => void) | undefined;
}

/**
 * Returns when the last batch is confirmed, or when the signal has aborted. A loop ends by the signal, or after its
 * first pass if that was `unreadable`. If one of several sources cannot be read, it is left out, and the summary's
 * `failed` is true.
 * @throws AppError of the source, if it is the only one and has no row that can be tried; `not_found` and the like if
 *   there is no source; `conflict` if another streamer has opened the same source; other errors of the queue, except
 *   `unavailable`, which is retried
 */
export async function runStreamer(config: StreamerConfig, options: StreamerOptions): Promise<StreamerSummary> {
  const { sources, queue, clock, log, metrics, signal, onProgress, onState, onTotals, onFirstPass } = options;
  const meter = metrics && createMeter(metrics);
  const tally = new Tally({ isWhole: config.shards === 1 });
  const report = () => {
    meter?.update(tally.totals);
    onTotals?.(tally.totals);
  };
  if (config.shard >= config.shards) {
    log.warn("shard is not needed, staying idle", { shard: config.shard, shards: config.shards });
    await aborted(signal);
    return tally.summary();
  }
  const queueCalls = new QueueCalls({
    clock,
    log,
    signal,
    onWait: (reason) => {
      tally.waited(reason);
      report();
    },
    onState: (problem) => {
      meter?.ready(problem === null);
      onState?.(problem);
    },
  });
  try {
    await streamPasses({
      ...{ config, sources, queue, clock, log, signal, queueCalls, tally },
      recent: new RecentPositions(),
      skipped: new SkippedRows(tally, log),
      labelNotices: new LabelNotices(tally, log),
      liveTimes: config.times === "live" ? new LiveTimes(clock) : null,
      progress: new Progress((progress) => onProgress?.(progress)),
      onTotals: report,
      onFirstPass: () => onFirstPass?.(tally.summary()),
    });
    return tally.summary();
  } finally {
    report();
  }
}
