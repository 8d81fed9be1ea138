/** The scraper as a process: exporters → spool on disk → queue-service. */
import { createLabelRules } from "../../schema/dcgm/label-rules.ts";
import { withOutages } from "../platform/http/health.ts";
import { listenForProbes } from "../platform/http/probe-server.ts";
import { systemClock } from "../platform/process/clock.ts";
import { readEnvironment } from "../platform/process/env.ts";
import { runProgram } from "../platform/process/lifecycle.ts";
import { createMetrics } from "../platform/process/metrics.ts";
import { openQueue } from "../queue/open.ts";
import { Spool } from "../spool/spool.ts";
import { readScraperProcessConfig } from "./config.ts";
import { createMeter } from "./meter.ts";
import type { Dependency } from "./record/totals.ts";
import { runScraper } from "./service.ts";

/** How long a stop may send what is in the spool; the process has 25 s to end. What remains is for the next one. */
const DRAIN_MS = 15_000;

await runProgram("scraper", {
  read: () => readScraperProcessConfig(readEnvironment(), { isTerminal: process.stdout.isTTY === true }),
  run: async (config, { log, signal }) => {
    const clock = systemClock;
    const metrics = createMetrics();
    const problems = new Map<Dependency, string | null>();
    // Without the queue, scrapes are still recorded.
    const health = async () => ({
      ...withOutages(
        { healthy: true, away: {} },
        [...problems].map(([dependency, problem]) => ({ dependency, problem })),
      ),
      isDegraded: !problems.get("spool") && !problems.get("targets"),
    });
    await using spool = await Spool.open(config.scraper.spool);
    log.info("spool opened", { path: config.scraper.spool.folder, bytes: spool.bytes, excess: spool.excess });
    await using queue = await openQueue({ ...config.queue, clock });
    await using _probes = await listenForProbes(config.listen, { log, metrics, health });
    await runScraper({
      config: config.scraper,
      rules: createLabelRules(config.labels),
      ...{ spool, queue, clock, log, signal },
      drainMs: DRAIN_MS,
      onAccepted: (number) => spool.confirm(number),
      onTotals: createMeter(metrics, spool),
      onState: (dependency, problem) => problems.set(dependency, problem),
    });
    log.info("stopped", { bytes: spool.bytes });
    return 0;
  },
});
