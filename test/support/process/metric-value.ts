import type { Metrics } from "../../../services/platform/process/metrics.ts";

/** Returns the value of a metric without labels; NaN for an unknown name. */
export async function metricValue(metrics: Metrics, name: string): Promise<number> {
  const line = new RegExp(`^gpu_telemetry_${name} (\\S+)$`, "m").exec(await metrics.render());
  return Number(line?.[1] ?? Number.NaN);
}
