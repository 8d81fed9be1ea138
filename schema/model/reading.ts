import type { Brand } from "./brand.ts";
import type { GpuUuid } from "./gpu.ts";

/**
 * The canonical name of a metric and the labels that distinguish its readings of one GPU, sorted, in Prometheus
 * notation: `DCGM_FI_PROF_GR_ENGINE_ACTIVE{GPU_I_ID="3"}`. Made by `seriesOf` in `series.ts`.
 */
export type Series = Brand<string, "Series">;

/** One number of one series of one GPU at one time. */
export interface Reading {
  readonly gpu: GpuUuid;
  readonly series: Series;
  /** Milliseconds since the epoch, UTC, from the source. */
  readonly at: number;
  /** Always finite. The catalogue has the unit. */
  readonly value: number;
}
