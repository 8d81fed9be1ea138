/** Makes series names out of metrics and labels. */
import type { Series } from "./reading.ts";

/**
 * Labels that distinguish the series of one metric and GPU: dcgm-exporter prints one row per MIG instance (GPU_I_ID),
 * clock event, NVLink, NVSwitch, vGPU or XID code. All other labels name the GPU or its attribution, or are constant;
 * they would split a series whenever they change.
 */
const SERIES_LABELS = ["GPU_I_ID", "clock_event", "nvlink", "nvswitch", "vgpu", "xid"] as const;

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);

/** @param metric a canonical name. @param labels those not in `SERIES_LABELS`, and empty ones, are ignored */
export function seriesOf(metric: string, labels: ReadonlyMap<string, string>): Series {
  let inBraces = "";
  for (const name of SERIES_LABELS) {
    const value = labels.get(name);
    if (value) inBraces += `${inBraces === "" ? "" : ","}${name}="${escaped(value)}"`;
  }
  return (inBraces === "" ? metric : `${metric}{${inBraces}}`) as Series;
}

/** Returns the canonical metric name of a series: the part before `{`. */
export function metricOf(series: Series): string {
  const brace = series.indexOf("{");
  return brace === -1 ? series : series.slice(0, brace);
}
