/** Our side: one pass of the file through streamer, queue-service, Redis and collector, each in its own process. */
import type { Input } from "../input.ts";
import { cpuSeconds, watchCpu, watchPeak } from "../proc.ts";
import { redisCpuSeconds } from "../queue/redis-figures.ts";
import { startServices } from "./services.ts";
import type { BenchStore } from "./stores.ts";

export const PROCESSES = ["streamer", "queue-service", "redis", "collector", "store"] as const;
type ProcessName = (typeof PROCESSES)[number];

export type PipelineFigures = Readonly<Record<"wallS" | "readingsPerS" | "cpuS" | "streamerPeakBytes", number>> &
  Readonly<Record<`${ProcessName}CpuS`, number>>;

/**
 * Measures from the start of the streamer's process until the queue is empty: by then everything is stored. The other
 * processes listen before the clock starts, as VictoriaMetrics does.
 * @throws Error when the store does not have every reading, or when there is a dead letter
 */
export async function measurePipeline(input: Input, store: BenchStore): Promise<PipelineFigures> {
  const streaming = { CSV_PATH: input.path, LOOP_MODE: "false", STREAM_INTERVAL: "0" };
  await using services = await startServices(store.env, streaming);
  const { streamer, queueService, collector, redis, queue } = services;
  const spent = async () => ({
    "queue-service": cpuSeconds(queueService.program.pid),
    redis: await redisCpuSeconds(redis),
    collector: cpuSeconds(collector.program.pid),
    store: store.cpuS(),
  });
  const before = await spent();
  const startedAt = performance.now();
  streamer.start();
  const { pid } = streamer.program;
  const [cpuOfStreamer, peakOfStreamer] = [watchCpu(pid), watchPeak(pid)];
  await streamer.ended();
  await services.drained();
  const wallS = (performance.now() - startedAt) / 1000;
  const after = await spent();
  if (streamer.ends[0] !== 0)
    throw new Error(`streamer exited with status ${streamer.ends[0]}:\n${streamer.lastWords}`);
  const { dead } = await queue.stats();
  const stored = await store.count();
  if (stored !== input.readings || dead > 0) {
    throw new Error(`The store has ${stored} readings of ${input.readings}; dead letters: ${dead}`);
  }
  const cpu = {
    streamerCpuS: cpuOfStreamer(),
    "queue-serviceCpuS": after["queue-service"] - before["queue-service"],
    redisCpuS: after.redis - before.redis,
    collectorCpuS: after.collector - before.collector,
    storeCpuS: after.store - before.store,
  };
  const cpuS = Object.values(cpu).reduce((sum, one) => sum + one, 0);
  return { wallS, readingsPerS: input.readings / wallS, cpuS, streamerPeakBytes: peakOfStreamer(), ...cpu };
}
