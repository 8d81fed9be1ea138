/** Scrapes targets into the queue of this process, through a spool on disk. */
import { createLabelRules } from "../../schema/dcgm/label-rules.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { createMeter } from "../scraper/meter.ts";
import { runScraper } from "../scraper/service.ts";
import { producerOf } from "../spool/send/sender.ts";
import { Spool } from "../spool/spool.ts";
import type { Backends } from "./backends.ts";
import type { AllInOneConfig } from "./config.ts";
import { confirmStored } from "./confirm-stored.ts";

/** Runs until the signal aborts. @throws as `runScraper`, and errors of the spool's folder */
export async function scrape(
  config: Pick<AllInOneConfig, "scraper" | "streamer" | "backends">,
  parts: {
    backends: Pick<Backends, "queue" | "repository">;
    clock: Clock;
    log: Logger;
    metrics: Metrics;
    signal: AbortSignal;
  },
): Promise<void> {
  const { queue, repository } = parts.backends;
  await using spool = await Spool.open(config.scraper.spool);
  const producer = producerOf(spool, "scrape");
  await runScraper({
    ...parts,
    config: config.scraper,
    rules: createLabelRules(config.streamer.sources.labels),
    ...{ spool, queue },
    onAccepted: confirmStored({ spool, producer, repository, keepsBatches: config.backends.redis !== null }),
    onTotals: createMeter(parts.metrics, spool),
  });
}
