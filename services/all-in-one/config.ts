/** Configuration of all-in-one and ingest: of each part of the pipeline, and of their backends. */
import { resolve } from "node:path";
import { type ApiConfig, readApiConfig } from "../api-gateway/config.ts";
import { type CollectorConfig, readCollectorConfig } from "../collector/config.ts";
import { ConfigError, type Env, gatherConfigs } from "../platform/process/env.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";
import { type RedisConfig, readRedisConfig } from "../platform/redis/config.ts";
import { type QueueBounds, readQueueBounds } from "../queue-service/config.ts";
import {
  type ReceiverConfig,
  type ReceiveSpoolConfig,
  readReceiverConfig,
  readReceiveSpoolConfig,
} from "../receiver/config.ts";
import { readStoreConfig } from "../repository/config.ts";
import type { RepositoryConfig } from "../repository/open.ts";
import { hasTargets, readScraperConfig, type ScraperConfig } from "../scraper/config.ts";
import { readStreamerConfig, type StreamerConfig } from "../streamer/config.ts";
import type { CopiedInputs } from "./copied-inputs.ts";

export interface BackendsConfig {
  readonly store: RepositoryConfig;
  /** The Redis server of queue and live feed; null: both are in this process. */
  readonly redis: { readonly server: RedisConfig; readonly bounds: QueueBounds } | null;
}

export interface IngestConfig {
  readonly backends: BackendsConfig;
  readonly streamer: StreamerConfig;
  readonly collector: CollectorConfig;
  readonly log: LogConfig;
}

export type ExportConfig = Pick<AllInOneConfig, "backends" | "log" | "api">;

export interface AllInOneConfig extends IngestConfig {
  readonly api: ApiConfig;
  /** Without targets and files of targets, nothing is scraped. */
  readonly scraper: ScraperConfig;
  readonly receiver: ReceiverConfig;
  readonly receiveSpool: ReceiveSpoolConfig;
  /** What is streamed. `sample`: the sample or nothing, depending on what the store holds. */
  readonly feed: "files" | "none" | "sample";
  /** True if the store is that of a configuration which names none. */
  readonly hasDefaultStore: boolean;
}

const DEFAULT_PATH = ".data/telemetry.sqlite";

/** Reads the store: MongoDB if MONGODB_URI is set, otherwise a SQLite file. */
function readStore(env: Env): RepositoryConfig {
  if (!env.MONGODB_URI) return readStoreConfig({ ...env, SQLITE_PATH: env.SQLITE_PATH || DEFAULT_PATH });
  if (env.SQLITE_PATH) throw new ConfigError(["SQLITE_PATH and MONGODB_URI are both set: set one of them"]);
  return readStoreConfig(env, { defaultFormat: env.REDIS_ADDR ? 1 : 2 });
}

function readRedis(env: Env): BackendsConfig["redis"] {
  if (!env.REDIS_ADDR) return null;
  return gatherConfigs({ server: () => readRedisConfig(env), bounds: () => readQueueBounds(env) });
}

/**
 * `BATCH_SIZE` is the streamer's batch size here, and `COLLECTOR_BATCH_SIZE` the collector's. A queue in this process
 * does not outlive the process, so the store then keeps the producers' positions.
 */
function readParts(env: Env, { isTerminal }: { isTerminal: boolean }): IngestConfig {
  const positions = env.REDIS_ADDR ? "queue" : "store";
  return gatherConfigs({
    backends: () => gatherConfigs({ store: () => readStore(env), redis: () => readRedis(env) }),
    streamer: () => readStreamerConfig(env, { defaultFormat: env.REDIS_ADDR ? 1 : 2 }),
    collector: () => readCollectorConfig(env, { batchSizeVariable: "COLLECTOR_BATCH_SIZE", positions }),
    log: () => readLogConfig(env, { isTerminal }),
  });
}

/**
 * @param options.paths files, directories or globs that take the place of CSV_PATH; empty: CSV_PATH counts
 * @throws ConfigError with every problem found
 */
export function readAllInOneConfig(
  env: Env,
  { paths = [], ...terminal }: { isTerminal: boolean; paths?: readonly string[] },
): AllInOneConfig {
  const { parts, api, scraper, receiver } = gatherConfigs({
    parts: () => readParts(env, terminal),
    api: () => readApiConfig(env),
    scraper: () => readScraperConfig(env),
    receiver: () => readReceiverConfig(env),
  });
  const config = paths.length === 0 ? parts : withPaths(parts, { paths });
  const { store } = config.backends;
  if (isScraping({ scraper }) && config.streamer.format === 1) {
    throw new ConfigError(["SCRAPE_… needs FORMAT=2: set it once all collectors can read version 2"]);
  }
  if (receiver.token !== null && config.streamer.format === 1) {
    throw new ConfigError(["RECEIVER_TOKEN needs FORMAT=2: set it once all collectors can read version 2"]);
  }
  // Beside the store, so that processes with stores of their own have spools of their own.
  const isFile = store.kind === "sqlite" && store.path !== ":memory:";
  const defaultFolder = isFile ? `${store.path}.received` : ".data/received";
  // Whoever brings real GPUs here wants no sample beside them.
  const isLive = isScraping({ scraper }) || receiver.token !== null;
  return {
    ...config,
    api,
    scraper,
    receiver,
    receiveSpool: readReceiveSpoolConfig(env, { defaultFolder }),
    feed: isLive && paths.length === 0 && !env.CSV_PATH ? "none" : feedOf(config.streamer.sources.paths),
    hasDefaultStore: store.kind === "sqlite" && store.path === DEFAULT_PATH,
  };
}

/** Batches of version 1 cannot say what received ones do. */
export const isReceiving = ({ streamer }: Pick<AllInOneConfig, "streamer">): boolean => streamer.format === 2;

export const isScraping = ({ scraper }: Pick<AllInOneConfig, "scraper">): boolean => hasTargets(scraper);

/** The sample is the sample also if its path is given. */
function feedOf(paths: readonly string[]): AllInOneConfig["feed"] {
  if (paths.length === 1 && paths[0] === NOTHING) return "none";
  const [sample] = readStreamerConfig({}).sources.paths;
  return paths.every((path) => resolve(path) === sample) ? "sample" : "files";
}

/** CSV_PATH of a server that streams nothing. */
const NOTHING = "none";

/** Returns the configuration with other paths, and where the copies of some of them are. */
export const withPaths = <C extends IngestConfig>(
  config: C,
  { paths, copies = new Map() }: Pick<CopiedInputs, "paths"> & Partial<Pick<CopiedInputs, "copies">>,
): C => ({
  ...config,
  streamer: { ...config.streamer, sources: { ...config.streamer.sources, paths, copies } },
});

/**
 * Reads the files once, at full speed, with their own times, through a queue in this process. `LOG_LEVEL` defaults to
 * `error`, because the summary reports the rest.
 * @param paths files, directories or globs
 * @throws ConfigError with every problem found
 */
export function readIngestConfig(env: Env, paths: readonly string[], terminal: { isTerminal: boolean }): IngestConfig {
  const atOnce = { STREAM_INTERVAL: "0", LOOP_MODE: "false", WATCH: "false", TIMESTAMPS: "source" };
  const once: Env = { ...env, ...atOnce, REDIS_ADDR: undefined };
  const config = readParts({ ...once, LOG_LEVEL: env.LOG_LEVEL || "error" }, terminal);
  return withPaths(config, { paths });
}

/**
 * Reads the store alone: queue and live feed are in this process, and the API answers nobody else. `LOG_LEVEL` defaults
 * to `error`, because the summary reports the rest.
 * @throws ConfigError with every problem found
 */
export function readExportConfig(env: Env, terminal: { isTerminal: boolean }): ExportConfig {
  return gatherConfigs({
    backends: () => gatherConfigs({ store: () => readStore(env), redis: () => null }),
    log: () => readLogConfig({ ...env, LOG_LEVEL: env.LOG_LEVEL || "error" }, terminal),
    api: () => readApiConfig({}),
  });
}

/** Describes for people where the readings are stored, without credentials. */
export function storePlace(store: RepositoryConfig): string {
  switch (store.kind) {
    case "sqlite":
      return store.path;
    case "mongodb":
      return store.url.replace(/^(\S+?:\/\/)(?:.*@)?([^/?]+).*$/, `$1$2/${store.database}`);
    default:
      return store satisfies never;
  }
}
