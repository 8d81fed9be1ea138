/** The streamer: DCGM CSV files → batches of whole GPUs → queue, at the pace asked for, resumed where the queue says. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { ProducerQueue } from "../queue/port.ts";
import type { StreamerConfig } from "./config.ts";
import type { StreamerSummary } from "./summary.ts";

export interface StreamerProgress {
  /** The file being read. */
  readonly file: string;
  /** Of all files in this pass, compressed where they are. */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** In confirmed batches since the start of the run. */
  readonly readings: number;
}

export interface StreamerOptions {
  readonly queue: ProducerQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /** Ends the run; the summary so far is returned. */
  readonly signal: AbortSignal;
  /** Called once per batch at most. */
  readonly onProgress?: ((progress: StreamerProgress) => void) | undefined;
  /** False while the queue is away. */
  readonly onReady?: ((ready: boolean) => void) | undefined;
}

export async function runStreamer(_config: StreamerConfig, _options: StreamerOptions): Promise<StreamerSummary> {
  throw new Error("not implemented");
}
