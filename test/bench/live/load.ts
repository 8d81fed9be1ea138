/** The load: a fleet whose readings have the number of their publication as value, and the queries that watch it. */
import { type BatchBuilder, createBatchBuilder } from "../../../schema/batch/builder.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import type { HolderSet } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { LiveFeed } from "../../../services/live-feed/port.ts";
import type { Repository } from "../../../services/repository/port.ts";

const GPUS_PER_HOST = 10;
const METRICS = [
  "DCGM_FI_DEV_GPU_UTIL",
  "DCGM_FI_DEV_GPU_TEMP",
  "DCGM_FI_DEV_POWER_USAGE",
  "DCGM_FI_DEV_FB_USED",
  "DCGM_FI_DEV_FB_FREE",
  "DCGM_FI_DEV_SM_CLOCK",
  "DCGM_FI_DEV_MEM_CLOCK",
  "DCGM_FI_DEV_MEM_COPY_UTIL",
  "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
  "DCGM_FI_PROF_DRAM_ACTIVE",
] as const;
/** Publications per second. Each one has the readings of a tenth of the fleet. */
const PER_SECOND = 10;

export interface LoadSize {
  readonly gpus: number;
  readonly seconds: number;
}

export const readingsPerSecond = ({ gpus }: Pick<LoadSize, "gpus">): number => gpus * METRICS.length;

const uuidOf = (number: number): GpuUuid =>
  `GPU-00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}` as GpuUuid;
const hostOf = (gpu: number): string => `node-${String(Math.floor(gpu / GPUS_PER_HOST)).padStart(4, "0")}`;

const factsOf = (gpu: number): GpuFacts => ({
  uuid: uuidOf(gpu),
  index: String(gpu % GPUS_PER_HOST),
  device: `nvidia${gpu % GPUS_PER_HOST}`,
  model: "NVIDIA H100 80GB HBM3",
  host: hostOf(gpu),
  driver: "535.129.03",
  instance: null,
  pciBusId: null,
  profile: null,
  labels: null,
});

const holdersOf = (gpu: number): HolderSet => [
  { kind: "pod", namespace: "research", pod: `train-${gpu}`, container: "main", podUid: null },
];

/** Three of four subscribers watch a host, the fourth a metric of the whole fleet, all at the shortest interval. */
export function queryOf(subscriber: number, { gpus }: Pick<LoadSize, "gpus">): string {
  const filter =
    subscriber % 4 === 3
      ? `metrics: ["${METRICS[Math.floor(subscriber / 4) % METRICS.length]}"]`
      : `hosts: ["${hostOf((subscriber * GPUS_PER_HOST) % gpus)}"]`;
  return (
    `subscription { readings(filter: { ${filter} }, minInterval: "100ms") ` +
    "{ readings { gpuUuid hostname metricName value timestamp } missed } }"
  );
}

/** Time at which each publication was stored, ms since the epoch, by its number. Numbers start at 1. */
export type StoredAt = readonly number[];

function addTenth(builder: BatchBuilder, { gpus, part, value }: { gpus: number; part: number; value: number }): void {
  const at = Date.now();
  const share = Math.ceil(gpus / PER_SECOND);
  for (let gpu = part * share; gpu < Math.min(gpus, (part + 1) * share); gpu++) {
    const [facts, holders] = [factsOf(gpu), holdersOf(gpu)];
    for (const metric of METRICS) builder.add(builder.slot(facts, metric as Series, holders), at, value);
  }
}

/** Stores the whole fleet once with number 0, for the snapshots. */
export async function storeFleet(repository: Pick<Repository, "save">, { gpus }: Pick<LoadSize, "gpus">) {
  const builder = createBatchBuilder(2);
  for (let part = 0; part < PER_SECOND; part++) addTenth(builder, { gpus, part, value: 0 });
  await repository.save([builder.take({ producer: "load", epoch: 1, seq: 1 })]);
}

/** Stores each publication and then publishes it to the live feed, at an even pace. It makes up for delays. */
export async function publish(
  { repository, feed }: { repository: Pick<Repository, "save">; feed: Pick<LiveFeed, "publish"> },
  { gpus, seconds }: LoadSize,
): Promise<StoredAt> {
  const builder = createBatchBuilder(2);
  const storedAt: number[] = [0];
  const startedAt = performance.now();
  for (let number = 1; number <= seconds * PER_SECOND; number++) {
    const dueIn = startedAt + (number * 1000) / PER_SECOND - performance.now();
    if (dueIn > 0) await new Promise((resolve) => setTimeout(resolve, dueIn));
    addTenth(builder, { gpus, part: number % PER_SECOND, value: number });
    const batch = builder.take({ producer: "load", epoch: 1, seq: number + 1 });
    await repository.save([batch]);
    storedAt.push(Date.now());
    await feed.publish([batch]);
  }
  return storedAt;
}
