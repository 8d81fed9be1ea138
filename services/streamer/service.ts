/** The streamer: DCGM CSV files → batches of whole GPUs → queue, at the pace asked for, resumed where the queue says. */
import type { Clock } from "../platform/process/clock.ts";
import { aborted } from "../platform/process/lifecycle.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { ProducerQueue } from "../queue/port.ts";
import { type CsvFiles, filesOnDisk } from "../sources/open.ts";
import type { StreamerConfig } from "./config.ts";
import { LiveTimes } from "./cut/live-times.ts";
import { streamPasses } from "./passes.ts";
import { createMeter } from "./progress/meter.ts";
import { Progress, type StreamerProgress } from "./progress/progress.ts";
import { SkippedRows } from "./progress/skipped-rows.ts";
import { type StreamerSummary, type StreamerTotals, Tally } from "./progress/summary.ts";
import { Patience } from "./send/patience.ts";
import { RecentPositions } from "./send/recent-positions.ts";

export interface StreamerOptions {
  readonly queue: ProducerQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /** Ends the run; the summary so far is returned. */
  readonly signal: AbortSignal;
  /** Called once per confirmed batch at most. */
  readonly onProgress?: ((progress: StreamerProgress) => void) | undefined;
  /** What it waits for, when it cannot do its work; null when it can again. */
  readonly onState?: ((problem: string | null) => void) | undefined;
  /** Called when the totals have grown, once per confirmed batch at most. The object goes on growing. */
  readonly onTotals?: ((totals: StreamerTotals) => void) | undefined;
  readonly files?: CsvFiles | undefined;
}

/**
 * Returns when the last batch is confirmed, or when the signal has ended the run; a loop ends by the signal alone. A
 * file among many that cannot be read is left out, and `failed` says so in the summary.
 * @throws AppError: of the file, when it is the only one and nothing of it can be read; `not_found` and the like when
 *   there is no file; `conflict` when another streamer has opened the same source; what else the queue throws, but for
 *   `unavailable`, which is waited out
 */
export async function runStreamer(config: StreamerConfig, options: StreamerOptions): Promise<StreamerSummary> {
  const { queue, clock, log, metrics, signal, onProgress, onState, onTotals, files = filesOnDisk } = options;
  const meter = metrics && createMeter(metrics);
  const tally = new Tally();
  const report = () => {
    meter?.update(tally.totals);
    onTotals?.(tally.totals);
  };
  if (config.shard >= config.shards) {
    log.warn("shard is not needed, waiting idle", { shard: config.shard, shards: config.shards });
    await aborted(signal);
    return tally.summary();
  }
  const patience = new Patience({
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
      ...{ config, files, queue, clock, log, signal, patience, tally },
      recent: new RecentPositions(),
      skipped: new SkippedRows(tally, log),
      liveTimes: config.times === "live" ? new LiveTimes(clock) : null,
      progress: new Progress((progress) => onProgress?.(progress)),
      onTotals: report,
    });
    return tally.summary();
  } finally {
    report();
  }
}
