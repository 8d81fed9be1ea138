/**
 * The API, the store and the load in one process, without streamer and collector. Publishes on SIGUSR1.
 * `embedded-program.ts SQLITE_PATH GPUS SECONDS`
 */

import { readApiConfig } from "../../../services/api-gateway/config.ts";
import { createApi } from "../../../services/api-gateway/service.ts";
import { createInventorySchema } from "../../../services/inventory/schema.ts";
import { openLiveFeed } from "../../../services/live-feed/open.ts";
import { listen } from "../../../services/platform/http/listen.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import { createPipelineSchema } from "../../../services/queue-service/schema.ts";
import { openRepository } from "../../../services/repository/open.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { publish } from "./load.ts";

const [path = "", gpus, seconds] = process.argv.slice(2);
const parts = { clock: systemClock, log: silentLogger, metrics: createMetrics() };
const repository = await openRepository({ kind: "sqlite", path, retentionMs: 0 }, parts);
const feed = await openLiveFeed({ kind: "memory", clock: systemClock });
const queue = openMemoryQueue({ clock: systemClock, maxBytes: 1 << 20, maxDeliveries: 5 });
const api = await createApi({
  subgraphs: {
    inventory: createInventorySchema({ repository }),
    telemetry: createTelemetrySchema({ repository, feed }),
    pipeline: createPipelineSchema({ queue, clock: systemClock }),
  },
  config: readApiConfig({}),
  ...parts,
  health: async () => ({ healthy: true, away: {} }),
});
const listener = await listen({ port: 0, hostname: "127.0.0.1", fetch: api.fetch, websocket: api.websocket });
console.log(JSON.stringify({ message: "listening", url: listener.url }));
process.on("SIGUSR1", async () => {
  const storedAt = await publish({ repository, feed }, { gpus: Number(gpus), seconds: Number(seconds) });
  console.log(JSON.stringify({ message: "published", storedAt }));
});
