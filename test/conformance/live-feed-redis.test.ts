import { afterAll, beforeAll, describe } from "bun:test";
import { openRedisLiveFeed } from "../../services/live-feed/redis/feed.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { createMetrics } from "../../services/platform/process/metrics.ts";
import { metricValue } from "../support/process/metric-value.ts";
import { haveSharedRedis, openSharedRedis } from "../support/servers/redis-server.ts";
import { eventually } from "../support/time/eventually.ts";
import { ManualClock } from "../support/time/manual-clock.ts";
import { liveFeedConformance } from "./live-feed.ts";

/**
 * Channel names carry the number of the database, so feeds in different databases are strangers to each other: Redis
 * may still count the listeners of the test before. Redis has 16 unless configured otherwise.
 */
const DATABASES = 16;

describe.skipIf(!haveSharedRedis())("on a Redis server", () => {
  let opened = 0;
  let shared: Awaited<ReturnType<typeof openSharedRedis>>;
  beforeAll(async () => {
    shared = await openSharedRedis();
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  liveFeedConformance("redis", async ({ maxSubscribers } = {}) => {
    const clock = new ManualClock();
    const metrics = createMetrics();
    opened = (opened + 1) % DATABASES;
    const redis = { ...shared.config, db: opened };
    const feed = await openRedisLiveFeed({ redis, clock, maxSubscribers, log: silentLogger, metrics });
    return {
      feed,
      publish: async (...batches) => {
        await feed.publish(batches);
        const delivered = await metricValue(metrics, "live_messages_delivered_total");
        await eventually(async () => (await metricValue(metrics, "live_messages_heard_total")) === delivered, {
          what: "every message is received",
        });
      },
      advance: (ms) => clock.advance(ms),
      [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
    };
  });
});
