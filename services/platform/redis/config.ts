/** Reads the address and credentials of Redis from the environment. */
import { addresses, boolean, ConfigError, choice, type Env, integer, parseEnv, text } from "../process/env.ts";

export interface RedisConfig {
  readonly mode: "single" | "sentinel" | "cluster";
  /** By mode: the one server, the sentinels, or some nodes of the cluster. Never empty. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Name of the master that the sentinels watch; null in the other modes. */
  readonly sentinelName: string | null;
  readonly username: string | null;
  /** Also sent to sentinels. */
  readonly password: string | null;
  readonly db: number;
  readonly tls: boolean;
}

/** @throws ConfigError with every problem found */
export function readRedisConfig(env: Env): RedisConfig {
  const isSentinel = env.REDIS_MODE === "sentinel";
  const given = parseEnv(env, {
    REDIS_MODE: choice("single", "sentinel", "cluster").default("single"),
    REDIS_ADDR: addresses({ defaultPort: isSentinel ? 26_379 : 6379 }).default([{ host: "redis", port: 6379 }]),
    REDIS_SENTINEL_NAME: text().optional(),
    REDIS_USERNAME: text().optional(),
    REDIS_PASSWORD: text().optional(),
    REDIS_DB: integer({ max: 65_535 }).default(0),
    REDIS_TLS: boolean().default(false),
  });
  const problems: string[] = [];
  const mode = given.REDIS_MODE;
  if (mode === "single" && given.REDIS_ADDR.length > 1) {
    problems.push(`REDIS_ADDR must be one host:port when REDIS_MODE is single, got ${JSON.stringify(env.REDIS_ADDR)}`);
  }
  if (mode === "sentinel" && given.REDIS_SENTINEL_NAME === undefined) {
    problems.push("REDIS_SENTINEL_NAME must be set when REDIS_MODE is sentinel");
  }
  if (mode === "cluster" && given.REDIS_DB !== 0) {
    problems.push(`REDIS_DB must be 0 when REDIS_MODE is cluster, got "${given.REDIS_DB}"`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    mode,
    addresses: given.REDIS_ADDR,
    sentinelName: mode === "sentinel" ? (given.REDIS_SENTINEL_NAME ?? null) : null,
    username: given.REDIS_USERNAME ?? null,
    password: given.REDIS_PASSWORD ?? null,
    db: given.REDIS_DB,
    tls: given.REDIS_TLS,
  };
}
