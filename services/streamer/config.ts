/** What the streamer reads from the environment. */
import { fileURLToPath } from "node:url";
import { type ListenConfig, readListenConfig } from "../platform/http/listen-config.ts";
import {
  boolean,
  choice,
  duration,
  type Env,
  gatherConfigs,
  integer,
  parseEnv,
  text,
} from "../platform/process/env.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";
import { type QueueClientConfig, readQueueClientConfig } from "../queue/config.ts";

const SAMPLE = fileURLToPath(new URL("../../data/sample.csv.gz", import.meta.url));

export interface StreamerConfig {
  /** Files, directories or globs. */
  readonly csvPaths: readonly string[];
  /** Pause after each batch; 0: as fast as the queue takes them. */
  readonly intervalMs: number;
  /** Start over at the end; else return when the last batch is confirmed. */
  readonly loop: boolean;
  /** Readings in a batch at most, unless one GPU's tick alone has more; null: what suits the pace. */
  readonly batchSize: number | null;
  /** The file's times, or the moment at which a tick is sent. */
  readonly times: "source" | "live";
  /** This streamer sends the hosts of its shard only. A number from `shards` on waits idle. */
  readonly shard: number;
  readonly shards: number;
}

/** A number, or the name of a StatefulSet's pod, which ends in one: `streamer-2`. */
const shard = () =>
  text()
    .regex(/^(?:[a-z0-9][a-z0-9.-]*-)?\d{1,3}$/, "a whole number from 0 to 999, or a pod's name that ends in one")
    .transform((name) => Number(/\d+$/.exec(name)?.[0]));

/** The streamer as a process of its own. */
export interface StreamerProcessConfig {
  readonly streamer: StreamerConfig;
  /** What follows when the source has ended and all of it is confirmed: the process ends, or waits to be asked. */
  readonly atEnd: "exit" | "wait";
  readonly queue: QueueClientConfig;
  readonly listen: ListenConfig;
  readonly log: LogConfig;
}

/** @throws ConfigError with every problem found */
export function readStreamerConfig(env: Env): StreamerConfig {
  const given = parseEnv(env, {
    CSV_PATH: text().default(SAMPLE),
    STREAM_INTERVAL: duration({ maxMs: 86_400_000 }).default(100),
    LOOP_MODE: boolean().default(true),
    BATCH_SIZE: integer({ min: 1, max: 65_536 }).optional(),
    TIMESTAMPS: choice("source", "live").optional(),
    STREAMER_SHARD: shard().default(0),
    STREAMER_SHARDS: integer({ min: 1, max: 1000 }).default(1),
  });
  return {
    csvPaths: [given.CSV_PATH],
    intervalMs: given.STREAM_INTERVAL,
    loop: given.LOOP_MODE,
    batchSize: given.BATCH_SIZE ?? null,
    times: given.TIMESTAMPS ?? (given.LOOP_MODE ? "live" : "source"),
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
