/** Scrapes targets into the queue of this process, through a spool on disk. */
import { createLabelRules } from "../../schema/dcgm/label-rules.ts";
import { isAppError } from "../../schema/model/errors.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { createMeter } from "../scraper/meter.ts";
import { runScraper } from "../scraper/service.ts";
import { producerOf } from "../spool/send/sender.ts";
import { Spool } from "../spool/spool.ts";
import type { Backends } from "./backends.ts";
import type { AllInOneConfig } from "./config.ts";

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
    onAccepted: async (number) => {
      // The queue ends with this process, so the spool keeps all records that are not in the store yet.
      if (config.backends.redis !== null) return await spool.confirm(number);
      const stored = await repository.position(producer).catch((error: unknown) => {
        // A store that is away is asked again after the next batch.
        if (!isAppError(error, "unavailable")) throw error;
        return null;
      });
      if (stored !== null) await spool.confirm(Number(stored.position));
    },
    onTotals: createMeter(parts.metrics, spool),
  });
}
