/**
 * A program, for Bun and Deno, that saves numbered batches to a SQLite store, beginning after the stored position, and
 * prints a JSON line before each save. Arguments: path, producer, series, number of the last batch.
 */
import process from "node:process";
import type { Batch } from "../../../schema/batch/batch.ts";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import type { HolderSet } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openRepository } from "../../../services/repository/open.ts";

export const WRITTEN_GPUS = 40;
const TICKS = 25;
const STEP_MS = 15_000;
const WRITING_BEGINS = Date.UTC(2025, 6, 20, 10);

export const writtenGpu = (number: number): GpuUuid =>
  `GPU-00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}` as GpuUuid;

const factsOf = (number: number): GpuFacts => ({
  instance: null,
  pciBusId: null,
  profile: null,
  labels: null,
  uuid: writtenGpu(number),
  index: String(number % 8),
  device: `nvidia${number % 8}`,
  model: "NVIDIA H100 80GB HBM3",
  host: `host-${number >> 3}`,
  driver: null,
});

/** The pod changes every ten batches. */
const holdersAt = (seq: number): HolderSet => [
  { kind: "pod", namespace: "research", pod: `pod-${Math.floor(seq / 10)}`, container: "main", podUid: null },
];

/** Returns batch `seq`, from 1: 25 ticks of every GPU. Each value is the number of its tick. */
export function writtenBatch(producer: string, series: Series, seq: number): Batch {
  const builder = createBatchBuilder(2);
  for (let number = 0; number < WRITTEN_GPUS; number++) {
    const slot = builder.slot(factsOf(number), series, holdersAt(seq));
    for (let tick = (seq - 1) * TICKS; tick < seq * TICKS; tick++) {
      builder.add(slot, WRITING_BEGINS + tick * STEP_MS, tick);
    }
  }
  return builder.take({ producer, epoch: 1, seq });
}

/** Returns times and values of one GPU after batch `seq`, oldest first. */
export const writtenReadings = (seq: number): [at: number, value: number][] =>
  Array.from({ length: seq * TICKS }, (_, tick) => [WRITING_BEGINS + tick * STEP_MS, tick]);

async function write(path: string, producer: string, series: Series, last: number): Promise<void> {
  const parts = { clock: systemClock, log: silentLogger };
  await using repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
  const stored = await repository.position(producer);
  for (let seq = (stored?.seq ?? 0) + 1; seq <= last; seq++) {
    console.log(JSON.stringify({ message: "saving", seq }));
    const positions = [{ producer, epoch: 1, seq, position: `batch ${seq}` }];
    await repository.save([writtenBatch(producer, series, seq)], { positions });
  }
}

if (import.meta.main) {
  const [path = "", producer = "", series = "", last = "0"] = process.argv.slice(2);
  await write(path, producer, series as Series, Number(last));
}
