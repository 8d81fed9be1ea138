/** Reads the configuration of api-gateway from the environment. */
import { maxSubscriptions, queryTimeout } from "../platform/graphql/config.ts";
import { readInternalToken } from "../platform/http/internal-token.ts";
import { type ListenConfig, port, readListenConfig } from "../platform/http/listen-config.ts";
import { boolean, type Env, gatherConfigs, integer, parseEnv, rate, text, url } from "../platform/process/env.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";

export interface ApiConfig extends ListenConfig {
  /** API_TOKEN, which every request except probes and pages must carry; null if reads need no token. */
  readonly apiToken: string | null;
  /** ADMIN_TOKEN, which mutations must carry and reads may carry; null if all mutations are refused. */
  readonly adminToken: string | null;
  /** Origins, besides the server's own, whose pages may call the API. */
  readonly corsOrigins: readonly string[];
  /** Host names that the server answers to, besides private names: also `*.example.com`, and `*` for any. */
  readonly allowedHosts: readonly string[];
  readonly queryTimeoutMs: number;
  /** How many subscriptions may run in this process at once. */
  readonly maxSubscriptions: number;
  /** How many requests one client may make per second; null if there is no limit. */
  readonly rateLimit: number | null;
  /** Number of proxies in front of the server. Each appends to X-Forwarded-For. */
  readonly trustedProxies: number;
  /** Whether introspection queries are answered. */
  readonly introspection: boolean;
  /** Whether `/graphql` serves the editor to browsers. */
  readonly graphiql: boolean;
}

/** Default of RATE_LIMIT for this service, per client and second. all-in-one has no limit by default. */
const SERVICE_RATE = 100;
const MAX_PROXIES = 10;

export type SubgraphName = "inventory" | "telemetry" | "pipeline";

/** Default GraphQL addresses of the subgraphs. */
export const SUBGRAPH_URLS: Readonly<Record<SubgraphName, string>> = {
  inventory: "http://inventory:8080/graphql",
  telemetry: "http://telemetry:8080/graphql",
  pipeline: "http://queue-service:8080/graphql",
};

/** The configuration of a gateway whose subgraphs run in other processes. */
export interface GatewayConfig {
  readonly api: ApiConfig;
  /** GraphQL addresses of the subgraphs. */
  readonly subgraphs: Readonly<Record<SubgraphName, string>>;
  /** INTERNAL_TOKEN, which requests to the subgraphs carry; null if they carry none. */
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

const HOST_NAME = /^(?:\*\.)?[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.?$/u;

const hostNames = () =>
  text().transform((list, context) => {
    const found = list.split(",").map((name) => name.trim());
    if (found.every((name) => name === "*" || HOST_NAME.test(name))) return found;
    const message = "a list of host names such as gpus.example.com or *.example.com, or * for any";
    context.addIssue({ code: "custom", message });
    return found;
  });

/**
 * @param defaults values for variables that are not set
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
        ALLOWED_HOSTS: hostNames().optional(),
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
    ...(given.API_PORT === undefined ? {} : { portVariable: "API_PORT" }),
    apiToken: given.API_TOKEN ?? null,
    adminToken: given.ADMIN_TOKEN ?? null,
    corsOrigins: given.CORS_ORIGINS ?? [],
    allowedHosts: given.ALLOWED_HOSTS ?? [],
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
        INVENTORY_URL: url().default(SUBGRAPH_URLS.inventory),
        TELEMETRY_URL: url().default(SUBGRAPH_URLS.telemetry),
        PIPELINE_URL: url().default(SUBGRAPH_URLS.pipeline),
      });
      return { inventory: given.INVENTORY_URL, telemetry: given.TELEMETRY_URL, pipeline: given.PIPELINE_URL };
    },
    internalToken: () => readInternalToken(env),
    log: () => readLogConfig(env, terminal),
  });
