/** The streamer's totals as Prometheus metrics. */
import type { Metrics } from "../../platform/process/metrics.ts";
import type { StreamerTotals } from "./summary.ts";

export interface Meter {
  /** Adds what the totals, which only grow, have gained since the last call. */
  update(totals: StreamerTotals): void;
  ready(ready: boolean): void;
}

export function createMeter(metrics: Metrics): Meter {
  const readings = metrics.counter({ name: "streamer_readings_total", help: "Readings in confirmed batches." });
  const batches = metrics.counter({ name: "streamer_batches_total", help: "Batches confirmed by the queue." });
  const bytes = metrics.counter({ name: "streamer_batch_bytes_total", help: "Bytes of confirmed batches, encoded." });
  const merged = metrics.counter({
    name: "streamer_readings_merged_total",
    help: "Readings merged with another of the same series and time in a batch, by whether values were equal.",
    labels: ["values"],
  });
  const skipped = metrics.counter({
    name: "streamer_rows_skipped_total",
    help: "Rows that gave no reading, by reason.",
    labels: ["reason"],
  });
  const ignored = metrics.counter({
    name: "streamer_labels_ignored_total",
    help: "Labels that were ignored, each once per source, up to 100 of a source.",
  });
  const waits = metrics.counter({
    name: "streamer_waits_total",
    help: "Publishes delayed or repeated, by reason.",
    labels: ["reason"],
  });
  const ready = metrics.gauge({
    name: "streamer_queue_ready",
    help: "1 while the queue answers, 0 while it is unavailable.",
  });
  ready.set(1);
  const counted = new Map<string, number>();
  const growth = (name: string, total: number): number => {
    const grown = total - (counted.get(name) ?? 0);
    counted.set(name, total);
    return grown;
  };
  return {
    update(totals) {
      readings.inc(growth("readings", totals.readings));
      batches.inc(growth("batches", totals.batches));
      bytes.inc(growth("bytes", totals.bytes));
      merged.inc({ values: "same" }, growth("same", totals.merged.same));
      merged.inc({ values: "differing" }, growth("differing", totals.merged.differing));
      ignored.inc(growth("ignored", totals.ignoredLabels));
      for (const [reason, count] of Object.entries(totals.skipped)) {
        skipped.inc({ reason }, growth(`skipped ${reason}`, count));
      }
      for (const [reason, count] of Object.entries(totals.waits))
        waits.inc({ reason }, growth(`waits ${reason}`, count));
    },
    ready: (isReady) => ready.set(isReady ? 1 : 0),
  };
}
