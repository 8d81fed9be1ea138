/** What all-in-one and ingest read from the environment: the configuration of every part, and where the store lies. */
import { type ApiConfig, readApiConfig } from "../api-gateway/config.ts";
import { type CollectorConfig, readCollectorConfig } from "../collector/config.ts";
import { duration, type Env, gatherConfigs, parseEnv, text } from "../platform/env.ts";
import { type LogConfig, readLogConfig } from "../platform/log-config.ts";
import { readStreamerConfig, type StreamerConfig } from "../streamer/config.ts";

export interface StoreConfig {
  readonly path: string;
  /** 0 keeps everything. */
  readonly retentionMs: number;
}

export interface IngestConfig {
  readonly store: StoreConfig;
  readonly streamer: StreamerConfig;
  readonly collector: CollectorConfig;
  readonly log: LogConfig;
}

export interface AllInOneConfig extends IngestConfig {
  readonly api: ApiConfig;
}

function readStoreConfig(env: Env): StoreConfig {
  const given = parseEnv(env, {
    SQLITE_PATH: text().default(".data/telemetry.sqlite"),
    RETENTION: duration().default(0),
  });
  return { path: given.SQLITE_PATH, retentionMs: given.RETENTION };
}

/** `BATCH_SIZE` is the streamer's here; the collector's is `COLLECTOR_BATCH_SIZE`. */
const parts = (env: Env, { isTerminal }: { isTerminal: boolean }) => ({
  store: () => readStoreConfig(env),
  streamer: () => readStreamerConfig(env),
  collector: () => readCollectorConfig(env, { batchSizeVariable: "COLLECTOR_BATCH_SIZE", positions: "store" }),
  log: () => readLogConfig(env, { isTerminal }),
});

/** @throws ConfigError with every problem found */
export const readAllInOneConfig = (env: Env, terminal: { isTerminal: boolean }): AllInOneConfig =>
  gatherConfigs({ ...parts(env, terminal), api: () => readApiConfig(env) });

/**
 * Files as fast as they go, once, with their own times; the log only speaks up when something is wrong.
 * @param csvPaths files, directories or globs
 * @throws ConfigError with every problem found
 */
export function readIngestConfig(
  env: Env,
  csvPaths: readonly string[],
  terminal: { isTerminal: boolean },
): IngestConfig {
  const once: Env = { ...env, STREAM_INTERVAL: "0", LOOP_MODE: "false", TIMESTAMPS: "source" };
  const config = gatherConfigs(parts({ ...once, LOG_LEVEL: env.LOG_LEVEL || "error" }, terminal));
  return { ...config, streamer: { ...config.streamer, csvPaths } };
}
