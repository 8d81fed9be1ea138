/** Builds batches as the streamer does, from single readings. */
import type { Batch } from "../../../schema/batch/batch.ts";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import { type HolderSet, NOBODY } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";

export const NOON = Date.UTC(2025, 6, 20, 12);

export const uuidOf = (number: number): GpuUuid =>
  `GPU-${number.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000` as GpuUuid;

export interface WrittenReading {
  /** Also the GPU's index on its host. Default: 1. */
  readonly gpu?: number;
  readonly host?: string;
  readonly namespace?: string | null;
  readonly series?: string;
  /** Milliseconds after noon. */
  readonly after?: number;
  readonly value: number;
}

const factsOf = ({ gpu = 1, host = "host-1" }: WrittenReading): GpuFacts => ({
  uuid: uuidOf(gpu),
  instance: null,
  index: String(gpu),
  device: `nvidia${gpu}`,
  model: "NVIDIA H100 80GB HBM3",
  host,
  driver: "535.129.03",
  pciBusId: null,
  profile: null,
  labels: null,
});

const holdersOf = ({ namespace = null }: WrittenReading): HolderSet =>
  namespace === null
    ? NOBODY
    : [{ kind: "pod", namespace, pod: `${namespace}-pod`, container: namespace, podUid: null }];

export function batchOfReadings(
  readings: Iterable<WrittenReading>,
  { producer = "csv@0/1", epoch = 1, seq = 1 }: { producer?: string; epoch?: number; seq?: number } = {},
): Batch {
  const builder = createBatchBuilder(2);
  for (const reading of readings) {
    const { series = "DCGM_FI_DEV_GPU_TEMP", after = 0, value } = reading;
    const slot = builder.slot(factsOf(reading), series as Series, holdersOf(reading));
    builder.add(slot, NOON + after, value);
  }
  return builder.take({ producer, epoch, seq });
}
