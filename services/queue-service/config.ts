/** Configuration of queue-service, from the environment. */
import { readSubgraphConfig, type SubgraphConfig } from "../platform/graphql/config.ts";
import { byteSize, type Env, gatherConfigs, integer, parseEnv } from "../platform/process/env.ts";
import { type RedisConfig, readRedisConfig } from "../platform/redis/config.ts";
import { queueLease } from "../queue/config.ts";

export interface QueueBounds {
  /** Partitions are independent queues: each producer publishes to one, consumers claim from all. */
  readonly partitions: number;
  /** Bound on the bytes of ready, leased and delayed bodies together. */
  readonly maxBytes: number;
  /** Attempts before a batch becomes a dead letter. */
  readonly maxDeliveries: number;
}

export interface QueueServiceConfig extends SubgraphConfig {
  readonly redis: RedisConfig;
  readonly bounds: QueueBounds;
  /** Lease of a claim that does not set `leaseMs`. */
  readonly leaseMs: number;
}

/** @throws ConfigError */
export function readQueueBounds(env: Env): QueueBounds {
  const given = parseEnv(env, {
    QUEUE_PARTITIONS: integer({ min: 1, max: 256 }).default(1),
    QUEUE_MAX_BYTES: byteSize({ min: 1024 * 1024 }).default(512 * 1024 * 1024),
    QUEUE_MAX_DELIVERIES: integer({ min: 1, max: 1000 }).default(5),
  });
  return {
    partitions: given.QUEUE_PARTITIONS,
    maxBytes: given.QUEUE_MAX_BYTES,
    maxDeliveries: given.QUEUE_MAX_DELIVERIES,
  };
}

const readLease = (env: Env): number => parseEnv(env, { QUEUE_LEASE: queueLease() }).QUEUE_LEASE;

/** @throws ConfigError with every problem found */
export function readQueueServiceConfig(env: Env, terminal: { isTerminal: boolean }): QueueServiceConfig {
  const { subgraph, ...own } = gatherConfigs({
    redis: () => readRedisConfig(env),
    bounds: () => readQueueBounds(env),
    leaseMs: () => readLease(env),
    subgraph: () => readSubgraphConfig(env, terminal),
  });
  return { ...subgraph, ...own };
}
