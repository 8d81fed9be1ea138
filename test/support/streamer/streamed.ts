/** Runs the streamer in tests, and reads back what reached the queue. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { bucketId } from "../../../schema/batch/batch.ts";
import { decodeBatch } from "../../../schema/batch/codec.ts";
import { forEachReading } from "../../../schema/batch/readings.ts";
import { DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import type { Clock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import type { SourcesConfig } from "../../../services/sources/config.ts";
import { openSources } from "../../../services/sources/open.ts";
import type { StreamerConfig } from "../../../services/streamer/config.ts";
import type { StreamerSummary } from "../../../services/streamer/progress/summary.ts";
import { runStreamer, type StreamerOptions } from "../../../services/streamer/service.ts";
import { holdersOf } from "../schema/merged-rows.ts";
import { readingText } from "../sources/memory-files.ts";
import { InstantClock } from "../time/instant-clock.ts";

export const filesAt = (...paths: string[]): SourcesConfig => ({
  kind: "files",
  paths,
  copies: new Map(),
  labels: DEFAULT_LABELS,
  timeZone: "UTC",
  host: undefined,
});

export const streamerConfig = (given: Partial<StreamerConfig>): StreamerConfig => ({
  sources: filesAt("/data"),
  intervalMs: 0,
  loop: false,
  watch: false,
  batchSize: null,
  format: 2,
  maxSeriesPerMetric: 512,
  times: "source",
  shard: 0,
  shards: 1,
  ...given,
});

export const openTestQueue = (clock: Clock = new InstantClock()): Queue =>
  openMemoryQueue({ clock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 });

/**
 * Runs the streamer, over the files of its configuration unless other sources are given.
 * @param options.stopAfter confirmed batches after which the run is aborted
 */
export async function stream(
  given: Partial<StreamerConfig>,
  { stopAfter = Number.POSITIVE_INFINITY, ...options }: Partial<StreamerOptions> & { stopAfter?: number | undefined },
): Promise<StreamerSummary> {
  const controller = new AbortController();
  if (stopAfter === 0) controller.abort();
  const clock = options.clock ?? new InstantClock();
  const config = streamerConfig(given);
  return await runStreamer(config, {
    sources: openSources(config.sources, { clock }),
    queue: openTestQueue(clock),
    clock,
    log: silentLogger,
    signal: controller.signal,
    ...options,
    onTotals: (totals) => {
      options.onTotals?.(totals);
      if (totals.batches >= stopAfter) controller.abort();
    },
  });
}

/** Takes all batches out of the queue, in order. */
export async function batchesIn(queue: Queue): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (;;) {
    const deliveries = await queue.claim({ max: 1000, maxBytes: 1e9, leaseMs: 60_000, waitMs: 0 });
    if (deliveries.length === 0) return batches;
    for (const { body } of deliveries) {
      const batch = decodeBatch(body);
      if (!batch.ok) throw new Error(batch.error);
      batches.push(batch.value);
    }
    await queue.ack(deliveries.map(({ receipt }) => receipt));
  }
}

/** The readings that a store would hold of these batches, sorted: the larger value of one series and time. */
export function storedOf(batches: readonly Batch[]): string[] {
  const values = new Map<string, { gpu: string; series: string; at: number; value: number; isBare: boolean }>();
  for (const batch of batches) {
    const holders = holdersOf(batch);
    forEachReading(batch, (gpu, series, at, value) => {
      const key = `${gpu} ${series} ${at}`;
      const isBare = holders.get(key)?.length === 0;
      const known = values.get(key);
      const wins = known === undefined || (isBare === known.isBare ? known.value < value : isBare);
      if (wins) values.set(key, { gpu, series, at, value, isBare });
    });
  }
  return [...values.values()].map(({ gpu, series, at, value }) => readingText(gpu, series, at, value)).sort();
}

/** The ids of the buckets that a store would make of the batch. */
export const bucketsOf = ({ blocks, series }: Batch): string[] => blocks.map((block) => bucketId(block, series));
