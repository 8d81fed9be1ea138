/** Prints readings as dcgm-exporter does: Prometheus text 0.0.4, metrics by field id, labels in its order. */
import { type Exposed, exporterLabels, targetAt } from "./labels.ts";
import { METRICS } from "./metrics.ts";
import type { Reading } from "./readings.ts";
import type { FleetState } from "./state.ts";
import type { Host } from "./topology.ts";

/**
 * Returns the body of `/metrics`. A metric without readings has no lines at all. Label values are printed as they are:
 * the exporter's template escapes nothing, and no value here needs it.
 */
export function exposition(state: FleetState, host: Host, readings: readonly Reading[], atMs: number): string {
  const target = targetAt(state, host, atMs);
  const byMetric = Map.groupBy(readings, (reading) => reading.metric);
  let text = "";
  for (const metric of METRICS) {
    const rows = byMetric.get(metric);
    if (rows === undefined) continue;
    text += `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}\n`;
    for (const reading of rows) {
      const labels = exporterLabels(state, target, reading);
      const value = metric.double ? reading.value.toFixed(6) : String(reading.value);
      text += `${metric.name}{${labels.map(quoted).join(",")}} ${value}\n`;
    }
  }
  return text;
}

const quoted = ([name, value]: Exposed): string => `${name}="${value}"`;
