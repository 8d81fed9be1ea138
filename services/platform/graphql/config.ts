/** The environment variables of a subgraph that runs as its own process. */
import { readInternalToken } from "../http/internal-token.ts";
import { type ListenConfig, readListenConfig } from "../http/listen-config.ts";
import { duration, type Env, gatherConfigs, integer, parseEnv } from "../process/env.ts";
import { type LogConfig, readLogConfig } from "../process/log-config.ts";

export interface SubgraphConfig {
  readonly listen: ListenConfig;
  readonly queryTimeoutMs: number;
  /** INTERNAL_TOKEN; null if callers need no token. */
  readonly internalToken: string | null;
  readonly log: LogConfig;
}

/** Parses `QUERY_TIMEOUT` to milliseconds. */
export const queryTimeout = () => duration({ minMs: 10, maxMs: 3_600_000 }).default(30_000);

/** Parses `MAX_SUBSCRIPTIONS`. */
export const maxSubscriptions = () => integer({ min: 1, max: 100_000 }).default(1000);

/** @throws ConfigError with every problem found */
export const readSubgraphConfig = (env: Env, terminal: { isTerminal: boolean }): SubgraphConfig =>
  gatherConfigs({
    listen: () => readListenConfig(env),
    queryTimeoutMs: () => parseEnv(env, { QUERY_TIMEOUT: queryTimeout() }).QUERY_TIMEOUT,
    internalToken: () => readInternalToken(env),
    log: () => readLogConfig(env, terminal),
  });
