/** Counts readings that are stored twice with different values; reads return the larger one. */
import type { Metrics } from "../platform/process/metrics.ts";

export function createDifferingCounter(metrics: Metrics | undefined): () => void {
  const counter = metrics?.counter({
    name: "store_differing_readings_total",
    help: "Readings found in several buckets with different values when a read merged the buckets.",
  });
  return () => counter?.inc();
}
