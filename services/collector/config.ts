/** Reads the collector's configuration from the environment. */
import { type ListenConfig, readListenConfig } from "../platform/http/listen-config.ts";
import { type Env, gatherConfigs, integer, parseEnv } from "../platform/process/env.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";
import { type RedisConfig, readRedisConfig } from "../platform/redis/config.ts";
import { type QueueClientConfig, queueLease, readQueueClientConfig } from "../queue/config.ts";
import { MAX_CALL_ITEMS } from "../queue/port.ts";
import { readStoreConfig } from "../repository/config.ts";
import type { RepositoryConfig } from "../repository/open.ts";

export interface CollectorConfig {
  /** How many groups of deliveries are in flight at once. With `positions: "store"` it is always one. */
  readonly maxConcurrentHandlers: number;
  /** How many deliveries a group has at most. */
  readonly batchSize: number;
  /** How many bytes the bodies of a group may have together. A single delivery may be larger. */
  readonly maxGroupBytes: number;
  /** How long a delivery is leased to this collector, which renews each lease after a third of that time. */
  readonly leaseMs: number;
  /**
   * Where the position of each producer is kept.
   * - `store`: every save includes positions, because the queue is in this process and is lost with it. This collector
   *   must be the queue's only consumer.
   * - `queue`: the queue keeps them.
   */
  readonly positions: "store" | "queue";
}

/** Configuration of a collector that runs as its own process. */
export interface CollectorProcessConfig {
  readonly collector: CollectorConfig;
  readonly queue: QueueClientConfig;
  readonly store: RepositoryConfig;
  /** The live feed's Redis. */
  readonly redis: RedisConfig;
  readonly listen: ListenConfig;
  readonly log: LogConfig;
}

/**
 * @param batchSizeVariable all-in-one passes `COLLECTOR_BATCH_SIZE`, because there `BATCH_SIZE` configures the streamer
 * @throws ConfigError with every problem found
 */
export function readCollectorConfig(
  env: Env,
  {
    batchSizeVariable = "BATCH_SIZE",
    positions = "queue",
  }: { batchSizeVariable?: "BATCH_SIZE" | "COLLECTOR_BATCH_SIZE"; positions?: CollectorConfig["positions"] } = {},
): CollectorConfig {
  const given = parseEnv(env, {
    MAX_CONCURRENT_HANDLERS: integer({ min: 1, max: 1000 }).default(10),
    [batchSizeVariable]: integer({ min: 1, max: MAX_CALL_ITEMS }).default(20),
    QUEUE_LEASE: queueLease(),
  });
  return {
    maxConcurrentHandlers: given.MAX_CONCURRENT_HANDLERS as number,
    batchSize: given[batchSizeVariable] as number,
    maxGroupBytes: 4 * 1024 * 1024,
    leaseMs: given.QUEUE_LEASE as number,
    positions,
  };
}

/** @throws ConfigError with every problem found */
export const readCollectorProcessConfig = (env: Env, terminal: { isTerminal: boolean }): CollectorProcessConfig =>
  gatherConfigs({
    collector: () => readCollectorConfig(env),
    queue: () => readQueueClientConfig(env),
    store: () => readStoreConfig(env),
    redis: () => readRedisConfig(env),
    listen: () => readListenConfig(env),
    log: () => readLogConfig(env, terminal),
  });
