/** The collector with a planted defect: it acknowledges batches before it stores them. */
import { readCollectorProcessConfig } from "../../../services/collector/config.ts";
import { runCollector } from "../../../services/collector/service.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { readEnvironment } from "../../../services/platform/process/env.ts";
import { runProgram } from "../../../services/platform/process/lifecycle.ts";
import { openQueue } from "../../../services/queue/open.ts";
import type { ConsumerQueue, Queue } from "../../../services/queue/port.ts";
import { openRepository } from "../../../services/repository/open.ts";

/** Between acknowledging and storing, so that kills hit it. */
const PAUSE_MS = 500;

const acknowledging = (queue: Queue): ConsumerQueue => ({
  async claim(request) {
    const deliveries = await queue.claim(request);
    if (deliveries.length === 0) return deliveries;
    await queue.ack(deliveries.map(({ receipt }) => receipt));
    await systemClock.sleep(PAUSE_MS);
    return deliveries;
  },
  ack: async (receipts) => receipts.map(() => true),
  nack: (receipts, mode) => queue.nack(receipts, mode),
  extend: async (receipts) => receipts.map(() => true),
});

await runProgram("collector", {
  read: () => readCollectorProcessConfig(readEnvironment(), { isTerminal: false }),
  run: async (config, { log, signal }) => {
    const clock = systemClock;
    await using repository = await openRepository(config.store, { clock, log });
    await using queue = await openQueue({ ...config.queue, clock: systemClock });
    const liveFeed = { publish: async () => {} };
    log.info("listening");
    await runCollector(config.collector, {
      ...{ queue: acknowledging(queue), repository, liveFeed, clock, log, signal },
      retentionMs: config.store.retentionMs,
    });
    return 0;
  },
});
