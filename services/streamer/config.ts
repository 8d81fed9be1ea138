/** Configuration of the streamer, from the environment. */
import { type ListenConfig, readListenConfig } from "../platform/http/listen-config.ts";
import {
  boolean,
  ConfigError,
  choice,
  duration,
  type Env,
  gatherConfigs,
  integer,
  parseEnv,
} from "../platform/process/env.ts";
import { type Format, format } from "../platform/process/format.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";
import { shard } from "../platform/process/shard.ts";
import { type QueueClientConfig, readQueueClientConfig } from "../queue/config.ts";
import { readSourcesConfig, type SourcesConfig } from "../sources/config.ts";

/** Default of STREAM_INTERVAL in a loop: one that is read at full speed would fill the store with copies. */
const LOOP_INTERVAL_MS = 100;

export interface StreamerConfig {
  readonly sources: SourcesConfig;
  /** Pause after each batch; 0: send batches as fast as the queue accepts them. */
  readonly intervalMs: number;
  /** True: start over at the end. False: return when the last batch is confirmed. */
  readonly loop: boolean;
  /** True: at the end, wait for new rows and new sources, and send them, until the signal aborts. */
  readonly watch: boolean;
  /** Maximum of readings in a batch, unless one GPU's tick has more. Null: 100, or 65,536 if `intervalMs` is 0. */
  readonly batchSize: number | null;
  /** Version of the batches. 1 is for collectors that do not know version 2 yet: it has no evidence of holders. */
  readonly format: Format;
  /** Series of one metric and GPU that differ only in labels; readings of further ones are skipped. */
  readonly maxSeriesPerMetric: number;
  /** Times of readings: those of the source, or the moment at which their tick is sent. */
  readonly times: "source" | "live";
  /** This streamer sends only the hosts of its shard. With a number of `shards` or more it stays idle. */
  readonly shard: number;
  readonly shards: number;
}

/** The streamer as a process of its own. */
export interface StreamerProcessConfig {
  readonly streamer: StreamerConfig;
  /** Whether the process exits or waits for a signal when all sources have ended and all batches are confirmed. */
  readonly atEnd: "exit" | "wait";
  readonly queue: QueueClientConfig;
  readonly listen: ListenConfig;
  readonly log: LogConfig;
}

/**
 * @param defaultFormat of the batches: 2 if their only consumer is in this process
 * @throws ConfigError with every problem found
 */
export function readStreamerConfig(env: Env, { defaultFormat = 1 }: { defaultFormat?: Format } = {}): StreamerConfig {
  const { sources, given } = gatherConfigs({
    sources: () => readSourcesConfig(env),
    given: () =>
      parseEnv(env, {
        STREAM_INTERVAL: duration({ maxMs: 86_400_000 }).optional(),
        LOOP_MODE: boolean().optional(),
        WATCH: boolean().default(false),
        BATCH_SIZE: integer({ min: 1, max: 65_536 }).optional(),
        FORMAT: format().default(defaultFormat),
        MAX_SERIES_PER_METRIC: integer({ min: 1, max: 65_536 }).default(512),
        TIMESTAMPS: choice("source", "live").optional(),
        STREAMER_SHARD: shard().default(0),
        STREAMER_SHARDS: integer({ min: 1, max: 1000 }).default(1),
      }),
  });
  const { WATCH: watch, LOOP_MODE: loop = !watch } = given;
  if (loop && watch) throw new ConfigError(["LOOP_MODE and WATCH are both true: set one of them"]);
  return {
    sources,
    intervalMs: given.STREAM_INTERVAL ?? (loop ? LOOP_INTERVAL_MS : 0),
    loop,
    watch,
    batchSize: given.BATCH_SIZE ?? null,
    format: given.FORMAT,
    maxSeriesPerMetric: given.MAX_SERIES_PER_METRIC,
    times: given.TIMESTAMPS ?? (loop ? "live" : "source"),
    shard: given.STREAMER_SHARD,
    shards: given.STREAMER_SHARDS,
  };
}

/** @throws ConfigError with every problem found */
export const readStreamerProcessConfig = (env: Env, terminal: { isTerminal: boolean }): StreamerProcessConfig =>
  gatherConfigs({
    streamer: () => readStreamerConfig(env),
    atEnd: () => parseEnv(env, { AT_END: choice("exit", "wait").default("exit") }).AT_END,
    queue: () => readQueueClientConfig(env),
    listen: () => readListenConfig(env),
    log: () => readLogConfig(env, terminal),
  });
