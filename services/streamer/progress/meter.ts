/** The streamer's totals as Prometheus metrics. */
import type { Metrics } from "../../platform/process/metrics.ts";
import type { StreamerTotals } from "./summary.ts";

export interface Meter {
  /** Totals only grow: what came since the last call is added. */
  update(totals: StreamerTotals): void;
  ready(ready: boolean): void;
}

export function createMeter(metrics: Metrics): Meter {
  const readings = metrics.counter({ name: "streamer_readings_total", help: "Readings in confirmed batches." });
  const batches = metrics.counter({ name: "streamer_batches_total", help: "Batches the queue has confirmed." });
  const bytes = metrics.counter({ name: "streamer_batch_bytes_total", help: "Bytes of confirmed batches, encoded." });
  const merged = metrics.counter({
    name: "streamer_readings_merged_total",
    help: "Readings that came twice in a batch and were merged, by whether their values were the same.",
    labels: ["values"],
  });
  const skipped = metrics.counter({
    name: "streamer_rows_skipped_total",
    help: "Rows that gave no reading, by reason.",
    labels: ["reason"],
  });
  const waits = metrics.counter({
    name: "streamer_waits_total",
    help: "Publishes that had to wait or be repeated, by reason.",
    labels: ["reason"],
  });
  const ready = metrics.gauge({ name: "streamer_queue_ready", help: "1 while the queue answers, 0 while it is away." });
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
      for (const [reason, count] of Object.entries(totals.skipped)) {
        skipped.inc({ reason }, growth(`skipped ${reason}`, count));
      }
      for (const [reason, count] of Object.entries(totals.waits))
        waits.inc({ reason }, growth(`waits ${reason}`, count));
    },
    ready: (isReady) => ready.set(isReady ? 1 : 0),
  };
}
