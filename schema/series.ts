/** Series: a metric and the labels that tell readings of one GPU apart. */
import type { Series } from "./reading.ts";

/** Labels that make a series (reference/telemetry.md §2, §3.2); never identity, attribution or what is constant. */
export const SERIES_LABELS = ["GPU_I_ID", "clock_event", "nvlink", "nvswitch", "vgpu", "xid"] as const;

/** `metric` is a canonical name. Labels not in `SERIES_LABELS` and empty ones are left out. */
export function seriesOf(_metric: string, _labels: ReadonlyMap<string, string>): Series {
  throw new Error("not implemented");
}

/** The canonical metric name of a series: what stands before `{`. */
export function metricOf(series: Series): string {
  const brace = series.indexOf("{");
  return brace === -1 ? series : series.slice(0, brace);
}
