/** Counts readings that are told twice with different values; the larger one is shown. */
import type { Metrics } from "../platform/process/metrics.ts";

export function createDifferingCounter(metrics: Metrics | undefined): () => void {
  const counter = metrics?.counter({
    name: "store_differing_readings_total",
    help: "Readings found in several buckets with different values while merging them for a reader.",
  });
  return () => counter?.inc();
}
