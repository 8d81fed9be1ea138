/** The catalogue: every DCGM metric we know by name, with unit, kind and meaning. */
export interface MetricInfo {
  /** DCGM field id; null for the exporter's own metrics. */
  readonly field: number | null;
  /** "%", "ratio", "MiB", "C", "W", "mJ", "MHz", "B/s", "ns", "1" … */
  readonly unit: string;
  readonly kind: "gauge" | "counter" | "code" | "bitmask";
  readonly description: string;
  /** Other names for the same field, such as those of DCGM 4.6. */
  readonly aliases: readonly string[];
}

export const METRICS: Readonly<Record<string, MetricInfo>> = {};

/** The canonical name for any known name or alias; an unknown name is its own canonical name. */
export function canonicalMetric(name: string): string {
  return name;
}
