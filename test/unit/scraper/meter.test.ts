import { expect, test } from "bun:test";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { createMeter } from "../../../services/scraper/meter.ts";

test("createMeter() counts what totals have gained, and asks the spool for its size", async () => {
  const metrics = createMetrics();
  const spool = { bytes: 10 };
  const update = createMeter(metrics, spool);
  update({ scrapes: 3, failed: 1, recorded: 200, lost: 0, skipped: 2, listFailures: 0, targets: 9 });
  update({ scrapes: 5, failed: 1, recorded: 300, lost: 50, skipped: 2, listFailures: 4, targets: 7 });
  spool.bytes = 77;
  const text = await metrics.render();
  for (const line of [
    "scrapes_total 5",
    "scrapes_failed_total 1",
    "readings_total 300",
    "readings_lost_total 50",
    "samples_skipped_total 2",
    "spool_bytes 77",
    "target_list_failures_total 4",
    "targets 7",
  ]) {
    expect(text).toContain(`\ngpu_telemetry_scraper_${line}\n`);
  }
});
