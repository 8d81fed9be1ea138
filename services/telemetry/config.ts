/** Configuration of telemetry, read from the environment. */
import { maxSubscriptions, readSubgraphConfig, type SubgraphConfig } from "../platform/graphql/config.ts";
import { type Env, gatherConfigs, parseEnv } from "../platform/process/env.ts";
import { type RedisConfig, readRedisConfig } from "../platform/redis/config.ts";
import { readStoreConfig } from "../repository/config.ts";
import type { RepositoryConfig } from "../repository/open.ts";

export interface TelemetryConfig extends SubgraphConfig {
  readonly store: RepositoryConfig;
  /** The Redis that carries the live feed. */
  readonly redis: RedisConfig;
  /** Maximum number of subscriptions in this process. */
  readonly maxSubscriptions: number;
}

/** @throws ConfigError with every problem found */
export function readTelemetryConfig(env: Env, terminal: { isTerminal: boolean }): TelemetryConfig {
  const { subgraph, ...own } = gatherConfigs({
    store: () => readStoreConfig(env),
    redis: () => readRedisConfig(env),
    maxSubscriptions: () => parseEnv(env, { MAX_SUBSCRIPTIONS: maxSubscriptions() }).MAX_SUBSCRIPTIONS,
    subgraph: () => readSubgraphConfig(env, terminal),
  });
  return { ...own, ...subgraph };
}
