import type { Brand } from "./brand.ts";
import type { GpuUuid } from "./gpu.ts";

/**
 * A metric's canonical name and, sorted and in Prometheus notation, the labels that tell readings of one GPU
 * apart: `DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_ID="3"}`. Made by `seriesOf` in `series.ts`.
 */
export type Series = Brand<string, "Series">;

/** One number of one series of one GPU at one time. */
export interface Reading {
  readonly gpu: GpuUuid;
  readonly series: Series;
  /** Milliseconds since the epoch, UTC, from the source. */
  readonly at: number;
  /** Always finite. Unit: the metric catalogue's. */
  readonly value: number;
}
