/** Configuration of the receiver, from the environment. */
import type { LabelOptions } from "../../schema/dcgm/label-rules.ts";
import { type ListenConfig, readListenConfig } from "../platform/http/listen-config.ts";
import { isLoopback } from "../platform/http/loopback.ts";
import {
  byteSize,
  ConfigError,
  duration,
  type Env,
  gatherConfigs,
  parsed,
  parseEnv,
  text,
} from "../platform/process/env.ts";
import { type LogConfig, readLogConfig } from "../platform/process/log-config.ts";
import { type QueueClientConfig, readQueueClientConfig } from "../queue/config.ts";
import { readLabelOptions } from "../sources/config.ts";

export interface ReceiverConfig {
  /** RECEIVER_TOKEN; null: only programs on this machine may send. */
  readonly token: string | null;
  /** Names of metrics that are taken, with `*` for any characters; null: those of GPUs. */
  readonly names: readonly string[] | null;
  /** How long an elected replica may send nothing before another one takes over. */
  readonly failoverMs: number;
}

const names = () =>
  parsed("names of metrics, in which * stands for any characters, separated by commas", (given) => {
    const globs = given.split(",").map((part) => part.trim());
    return globs.every((glob) => /^[a-zA-Z0-9_:.*]{1,256}$/.test(glob)) ? (globs as readonly string[]) : undefined;
  });

/** Where all-in-one keeps what it has received until it is stored. */
export interface ReceiveSpoolConfig {
  readonly folder: string;
  readonly maxBytes: number;
}

/** @throws ConfigError with every problem found */
export function readReceiveSpoolConfig(env: Env, { defaultFolder }: { defaultFolder: string }): ReceiveSpoolConfig {
  const given = parseEnv(env, {
    RECEIVE_SPOOL_PATH: text().default(defaultFolder),
    RECEIVE_SPOOL_MAX_BYTES: byteSize({ min: 1024 * 1024 }).default(1024 * 1024 * 1024),
  });
  return { folder: given.RECEIVE_SPOOL_PATH, maxBytes: given.RECEIVE_SPOOL_MAX_BYTES };
}

/** @throws ConfigError with every problem found */
export function readReceiverConfig(env: Env): ReceiverConfig {
  const given = parseEnv(env, {
    RECEIVER_TOKEN: text().optional(),
    RECEIVE_METRICS: names().optional(),
    HA_FAILOVER: duration({ minMs: 1000, maxMs: 3_600_000, examples: "30s or 2m" }).default(30_000),
  });
  return {
    token: given.RECEIVER_TOKEN ?? null,
    names: given.RECEIVE_METRICS ?? null,
    failoverMs: given.HA_FAILOVER,
  };
}

/** The receiver as a process of its own. */
export interface ReceiverProcessConfig {
  readonly receiver: ReceiverConfig;
  readonly labels: LabelOptions;
  readonly queue: QueueClientConfig;
  readonly listen: ListenConfig;
  readonly log: LogConfig;
}

/** @throws ConfigError with every problem found */
export function readReceiverProcessConfig(env: Env, terminal: { isTerminal: boolean }): ReceiverProcessConfig {
  const config = gatherConfigs({
    receiver: () => readReceiverConfig(env),
    labels: () => readLabelOptions(env),
    queue: () => readQueueClientConfig(env),
    listen: () => readListenConfig(env),
    log: () => readLogConfig(env, terminal),
  });
  if (config.receiver.token === null && !isLoopback(config.listen.host)) {
    throw new ConfigError([`RECEIVER_TOKEN must be set, because HOST is ${JSON.stringify(config.listen.host)}`]);
  }
  return config;
}
