/** The scraper's totals as Prometheus metrics. */
import type { Metrics } from "../platform/process/metrics.ts";
import type { Spool } from "../spool/spool.ts";
import type { ScraperTotals } from "./record/totals.ts";

/** Returns a function that adds what the totals have gained since its last call. */
export function createMeter(metrics: Metrics, spool: Pick<Spool, "bytes">): (totals: ScraperTotals) => void {
  const counters = {
    scrapes: metrics.counter({ name: "scraper_scrapes_total", help: "Scrapes, also those that failed." }),
    failed: metrics.counter({ name: "scraper_scrapes_failed_total", help: "Scrapes without an answer that counts." }),
    recorded: metrics.counter({ name: "scraper_readings_total", help: "Readings and stale marks in the spool." }),
    lost: metrics.counter({
      name: "scraper_readings_lost_total",
      help: "Readings and stale marks for which the spool, or its disk, had no room.",
    }),
    skipped: metrics.counter({ name: "scraper_samples_skipped_total", help: "Samples that gave no reading." }),
    listFailures: metrics.counter({
      name: "scraper_target_list_failures_total",
      help: "Looks at a list of targets that gave none; the last good list stays in force.",
    }),
  } as const;
  metrics.gauge({ name: "scraper_spool_bytes", help: "Bytes of the spool." }, () => spool.bytes);
  const targets = metrics.gauge({ name: "scraper_targets", help: "Targets of this scraper." });
  const counted = { scrapes: 0, failed: 0, recorded: 0, lost: 0, skipped: 0, listFailures: 0 };
  return (totals) => {
    targets.set(totals.targets);
    for (const name of Object.keys(counters) as (keyof typeof counters)[]) {
      counters[name].inc(totals[name] - counted[name]);
      counted[name] = totals[name];
    }
  };
}
