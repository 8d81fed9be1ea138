/** Series: a metric and the labels that tell readings of one GPU apart. */
import type { Series } from "./reading.ts";

/** Labels that make a series (reference/telemetry.md §2, §3.2); never identity, attribution or what is constant. */
const SERIES_LABELS = ["GPU_I_ID", "clock_event", "nvlink", "nvswitch", "vgpu", "xid"] as const;

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

const escaped = (value: string): string => value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);

/** `metric` is a canonical name. Labels not in `SERIES_LABELS` and empty ones are left out. */
export function seriesOf(metric: string, labels: ReadonlyMap<string, string>): Series {
  let inBraces = "";
  for (const name of SERIES_LABELS) {
    const value = labels.get(name);
    if (value) inBraces += `${inBraces === "" ? "" : ","}${name}="${escaped(value)}"`;
  }
  return (inBraces === "" ? metric : `${metric}{${inBraces}}`) as Series;
}

/** The canonical metric name of a series: what stands before `{`. */
export function metricOf(series: Series): string {
  const brace = series.indexOf("{");
  return brace === -1 ? series : series.slice(0, brace);
}
