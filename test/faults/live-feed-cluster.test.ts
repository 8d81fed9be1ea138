/** The live feed on a Redis Cluster, where a node counts its own subscribers only. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LiveFeed } from "../../services/live-feed/port.ts";
import { openRedisLiveFeed } from "../../services/live-feed/redis/feed.ts";
import { systemClock } from "../../services/platform/process/clock.ts";
import { silentLogger } from "../../services/platform/process/logger.ts";
import { createMetrics } from "../../services/platform/process/metrics.ts";
import { batchOfReadings } from "../support/collector/batches.ts";
import { metricValue } from "../support/process/metric-value.ts";
import { type RedisCluster, startRedisCluster } from "../support/servers/redis-cluster.ts";
import { haveRedisServer } from "../support/servers/redis-server.ts";

describe.skipIf(!haveRedisServer())("live feeds on a Redis Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 60_000);
  afterAll(() => cluster[Symbol.asyncDispose]());

  async function openFeed(firstNode: number) {
    const metrics = createMetrics();
    const { addresses } = cluster.config;
    const redis = {
      ...cluster.config,
      addresses: [...addresses.slice(firstNode), ...addresses.slice(0, firstNode)],
    };
    const feed = await openRedisLiveFeed({ redis, clock: systemClock, log: silentLogger, metrics });
    return {
      feed,
      counted: (name: string) => metricValue(metrics, `live_${name}_total`),
      [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
    };
  }

  const publish = (feed: LiveFeed, value: number) =>
    feed.publish([batchOfReadings(Array.from({ length: 40 }, (_, gpu) => ({ gpu, after: value * 1000, value })))]);

  test("subscribers at every node receive every value in order, and nothing is published without subscribers", async () => {
    await using collector = await openFeed(0);
    await publish(collector.feed, 1);
    expect(await collector.counted("messages_said")).toBe(0);
    for (const node of cluster.nodes.keys()) {
      await using gateway = await openFeed(node);
      const frames = await gateway.feed.subscribe({ minIntervalMs: 0 });
      expect(await cluster.nodes[node]?.command("PUBSUB", "CHANNELS", "live:*")).toHaveLength(64);
      for (let value = 2; value < 50; value++) await publish(collector.feed, value);
      let accounted = 0;
      while (accounted < 40 * 48) {
        const { value: frame } = await frames.next();
        accounted += frame.readings.length + frame.missed;
      }
      expect(accounted).toBe(40 * 48);
      expect(await gateway.counted("values_lost")).toBe(0);
    }
  });
});
