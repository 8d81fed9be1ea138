/** What api-gateway reads from the environment. */

import { maxSubscriptions, queryTimeout } from "../platform/graphql/config.ts";
import { readInternalToken } from "../platform/http/internal-token.ts";
import { type ListenConfig, port, readListenConfig } from "../platform/http/listen-config.ts";
import { boolean, type Env, gatherConfigs, integer, parseEnv, rate, text, url } from "../platform/process/env.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";

export interface ApiConfig extends ListenConfig {
  /** A bearer token that every request but health must carry; null: reads are open. */
  readonly apiToken: string | null;
  /** A bearer token that mutations must carry, and that reads may; null: there are no mutations. */
  readonly adminToken: string | null;
  /** Origins, other than the server's own, whose pages may call it. */
  readonly corsOrigins: readonly string[];
  readonly queryTimeoutMs: number;
  /** Running subscriptions of this process together. */
  readonly maxSubscriptions: number;
  /** Requests a second that one client may make; null: as many as it likes. */
  readonly rateLimit: number | null;
  /** Proxies in front, each of which appends to X-Forwarded-For. */
  readonly trustedProxies: number;
  /** Whether the schema may be asked for. */
  readonly introspection: boolean;
  readonly graphiql: boolean;
}

/** Requests a second; in one process on a laptop nobody is limited who did not ask for it. */
const SERVICE_RATE = 100;
const MAX_PROXIES = 10;

export type SubgraphName = "inventory" | "telemetry" | "pipeline";

/** Of the process whose subgraphs are others. */
export interface GatewayConfig {
  readonly api: ApiConfig;
  /** GraphQL addresses. */
  readonly subgraphs: Readonly<Record<SubgraphName, string>>;
  /** Sent to the subgraphs; null: none is. */
  readonly internalToken: string | null;
  readonly log: LogConfig;
}

const origins = () =>
  text().transform((list, context) => {
    const found = list.split(",").map((origin) => origin.trim());
    const bad = found.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
    if (bad === undefined) return found;
    context.addIssue({ code: "custom", message: "a list of origins such as https://grafana.example.com" });
    return found;
  });

/**
 * @param defaults what holds where `RATE_LIMIT` is not set
 * @throws ConfigError with every problem found
 */
export function readApiConfig(env: Env, defaults: Pick<ApiConfig, "rateLimit"> = { rateLimit: null }): ApiConfig {
  const { address, given } = gatherConfigs({
    address: () => readListenConfig(env),
    given: () =>
      parseEnv(env, {
        API_PORT: port().optional(),
        API_TOKEN: text().optional(),
        ADMIN_TOKEN: text().optional(),
        CORS_ORIGINS: origins().optional(),
        QUERY_TIMEOUT: queryTimeout(),
        MAX_SUBSCRIPTIONS: maxSubscriptions(),
        RATE_LIMIT: rate().default(defaults.rateLimit),
        TRUSTED_PROXIES: integer({ max: MAX_PROXIES }).default(0),
        INTROSPECTION: boolean().default(true),
        GRAPHIQL: boolean().default(true),
      }),
  });
  return {
    port: given.API_PORT ?? address.port,
    host: address.host,
    apiToken: given.API_TOKEN ?? null,
    adminToken: given.ADMIN_TOKEN ?? null,
    corsOrigins: given.CORS_ORIGINS ?? [],
    queryTimeoutMs: given.QUERY_TIMEOUT,
    maxSubscriptions: given.MAX_SUBSCRIPTIONS,
    rateLimit: given.RATE_LIMIT,
    trustedProxies: given.TRUSTED_PROXIES,
    introspection: given.INTROSPECTION,
    graphiql: given.GRAPHIQL,
  };
}

/** @throws ConfigError with every problem found */
export const readGatewayConfig = (env: Env, terminal: { isTerminal: boolean }): GatewayConfig =>
  gatherConfigs({
    api: () => readApiConfig(env, { rateLimit: SERVICE_RATE }),
    subgraphs: () => {
      const given = parseEnv(env, {
        INVENTORY_URL: url().default("http://inventory:8080/graphql"),
        TELEMETRY_URL: url().default("http://telemetry:8080/graphql"),
        PIPELINE_URL: url().default("http://queue-service:8080/graphql"),
      });
      return { inventory: given.INVENTORY_URL, telemetry: given.TELEMETRY_URL, pipeline: given.PIPELINE_URL };
    },
    internalToken: () => readInternalToken(env),
    log: () => readLogConfig(env, terminal),
  });
