/** What api-gateway reads from the environment. */
import { type Env, gatherConfigs, integer, parseEnv, text } from "../platform/env.ts";
import { type ListenConfig, port, readListenConfig } from "../platform/listen-config.ts";
import { queryTimeout } from "../platform/subgraph-config.ts";

export interface ApiConfig extends ListenConfig {
  /** A bearer token that every request but health must carry; null: reads are open. */
  readonly apiToken: string | null;
  /** Origins, other than the server's own, whose pages may call it. */
  readonly corsOrigins: readonly string[];
  readonly queryTimeoutMs: number;
  /** Running subscriptions of this process together. */
  readonly maxSubscriptions: number;
}

const origins = () =>
  text().transform((list, context) => {
    const found = list.split(",").map((origin) => origin.trim());
    const bad = found.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
    if (bad === undefined) return found;
    context.addIssue({ code: "custom", message: "a list of origins such as https://grafana.example.com" });
    return found;
  });

/** @throws ConfigError with every problem found */
export function readApiConfig(env: Env): ApiConfig {
  const { address, given } = gatherConfigs({
    address: () => readListenConfig(env),
    given: () =>
      parseEnv(env, {
        API_PORT: port().optional(),
        API_TOKEN: text().optional(),
        CORS_ORIGINS: origins().optional(),
        QUERY_TIMEOUT: queryTimeout(),
        MAX_SUBSCRIPTIONS: integer({ min: 1, max: 100_000 }).default(1000),
      }),
  });
  return {
    port: given.API_PORT ?? address.port,
    host: address.host,
    apiToken: given.API_TOKEN ?? null,
    corsOrigins: given.CORS_ORIGINS ?? [],
    queryTimeoutMs: given.QUERY_TIMEOUT,
    maxSubscriptions: given.MAX_SUBSCRIPTIONS,
  };
}
