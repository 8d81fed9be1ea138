/** A small fleet with predictable facts and readings, for a listed store. */
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { ListedStore } from "./listed-store.ts";

export const uuidOf = (number: number): GpuUuid =>
  `GPU-00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}` as GpuUuid;

/** Time of the first reading of every test fleet: 20 July 2025, 10:00 UTC. */
export const START = Date.UTC(2025, 6, 20, 10);
export const UTIL = "DCGM_FI_DEV_GPU_UTIL" as Series;
export const TEMP = "DCGM_FI_DEV_GPU_TEMP" as Series;

/** 16 GPUs a host, every second one held by a pod. Two series with a reading each second. */
export function fillFleet(store: ListedStore, { gpus, ticks }: { gpus: number; ticks: number }): void {
  for (let number = 0; number < gpus; number++) {
    const uuid = uuidOf(number);
    const held = number % 2 === 0;
    const gpu: Gpu = {
      uuid,
      index: String(number % 16),
      device: `nvidia${number % 16}`,
      model: number < gpus / 2 ? "NVIDIA H100 80GB HBM3" : "NVIDIA A100",
      host: `host-${String(Math.floor(number / 16)).padStart(3, "0")}`,
      driver: "535.129.03",
      pciBusId: null,
      labels: null,
      holders: held
        ? [{ kind: "pod", namespace: "research", pod: `train-${number}`, container: "main", podUid: null }]
        : [],
      instances: [],
      firstSeen: START,
      lastSeen: START + (ticks - 1) * 1000,
    };
    store.known.push(gpu);
    for (let tick = 0; tick < ticks; tick++) {
      const at = START + tick * 1000;
      store.stored.push({ gpu: uuid, series: UTIL, at, value: (number + tick) % 101 });
      store.stored.push({ gpu: uuid, series: TEMP, at, value: 30.5 + tick });
    }
  }
}
