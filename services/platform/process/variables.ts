/** The names of all environment variables, and a warning of others that resemble one of them. */
import type { Env } from "./env.ts";
import type { Logger } from "./logger.ts";
import { resembling } from "./resembling.ts";

/** The variables of all programs, as in infra/CONFIGURATION.md: setting one of another program is not a mistake. */
export const VARIABLES: readonly string[] = [
  "ADMIN_TOKEN",
  "ALLOWED_HOSTS",
  "API_PORT",
  "API_TOKEN",
  "AT_END",
  "BATCH_SIZE",
  "COLLECTOR_BATCH_SIZE",
  "CORS_ORIGINS",
  "CSV_HOST",
  "CSV_PATH",
  "CSV_TIMEZONE",
  "EXPORTER_PODS",
  "FORMAT",
  "GRAPHIQL",
  "HOST",
  "INTERNAL_TOKEN",
  "INTROSPECTION",
  "INVENTORY_URL",
  "LABEL_CLASSES",
  "LOG_FORMAT",
  "LOG_LEVEL",
  "LOOP_MODE",
  "MAX_CONCURRENT_HANDLERS",
  "MAX_SERIES_PER_METRIC",
  "MAX_SUBSCRIPTIONS",
  "MONGODB_DATABASE",
  "MONGODB_POOL_SIZE",
  "MONGODB_URI",
  "PIPELINE_URL",
  "PORT",
  "QUERY_TIMEOUT",
  "QUEUE_LEASE",
  "QUEUE_MAX_BYTES",
  "QUEUE_MAX_DELIVERIES",
  "QUEUE_PARTITIONS",
  "QUEUE_SERVICE_URL",
  "RATE_LIMIT",
  "REDIS_ADDR",
  "REDIS_DB",
  "REDIS_MODE",
  "REDIS_PASSWORD",
  "REDIS_SENTINEL_NAME",
  "REDIS_TLS",
  "REDIS_USERNAME",
  "RETENTION",
  "SCRAPE_FILE_SD",
  "SCRAPE_HTTP_SD",
  "SCRAPE_HTTP_SD_INTERVAL",
  "SCRAPE_INTERVAL",
  "SCRAPE_MAX_BYTES",
  "SCRAPE_MAX_SAMPLES",
  "SCRAPE_PASSWORD_FILE",
  "SCRAPE_SHARD",
  "SCRAPE_SHARDS",
  "SCRAPE_TARGETS",
  "SCRAPE_TIMEOUT",
  "SCRAPE_TLS_CA_FILE",
  "SCRAPE_TLS_CERT_FILE",
  "SCRAPE_TLS_INSECURE",
  "SCRAPE_TLS_KEY_FILE",
  "SCRAPE_TOKEN_FILE",
  "SCRAPE_USERNAME",
  "SPOOL_MAX_BYTES",
  "SPOOL_PATH",
  "SQLITE_PATH",
  "STREAMER_SHARD",
  "STREAMER_SHARDS",
  "STREAM_INTERVAL",
  "TELEMETRY_URL",
  "TIMESTAMPS",
  "TRUSTED_PROXIES",
  "WATCH",
];

/** Logs each variable that is none of ours but probably meant to be one, since nothing else shows a typing error. */
export function nameResembling(env: Env, log: Logger): void {
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || value === "" || VARIABLES.includes(variable)) continue;
    const meant = resembling(variable, VARIABLES);
    if (meant !== undefined) log.error("variable is not read", { variable, meant });
  }
}
