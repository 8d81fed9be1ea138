/** Reads from the environment which store a service opens. */
import { duration, type Env, integer, parseEnv, text } from "../platform/process/env.ts";
import { type Format, format } from "../platform/process/format.ts";
import type { RepositoryConfig } from "./open.ts";

/** Database names that MongoDB accepts on every platform. */
const DATABASE = /^[^\s/\\."$*<>:|?]{1,63}$/;

/**
 * Chooses SQLite if SQLITE_PATH is set, otherwise MongoDB.
 * @param defaultFormat 2 where all readers of the store are in this process, otherwise 1
 * @throws ConfigError with every problem found
 */
export function readStoreConfig(env: Env, { defaultFormat = 1 }: { defaultFormat?: Format } = {}): RepositoryConfig {
  const { SQLITE_PATH: path, RETENTION: retentionMs } = parseEnv(env, {
    SQLITE_PATH: text().optional(),
    RETENTION: duration({ examples: "30m, 12h or 7d" }).default(0),
  });
  if (path !== undefined) return { kind: "sqlite", path, retentionMs };
  const given = parseEnv(env, {
    MONGODB_URI: text()
      .regex(/^mongodb(\+srv)?:\/\/[^\s/?]+\S*$/, "mongodb://HOST:PORT or mongodb+srv://HOST")
      .default("mongodb://mongodb:27017"),
    MONGODB_DATABASE: text()
      .regex(DATABASE, 'a name of 1 to 63 characters without /\\."$*<>:|? and spaces')
      .default("gpu_telemetry"),
    MONGODB_POOL_SIZE: integer({ min: 1, max: 1000 }).default(20),
    FORMAT: format().default(defaultFormat),
  });
  return {
    kind: "mongodb",
    url: given.MONGODB_URI,
    database: given.MONGODB_DATABASE,
    poolSize: given.MONGODB_POOL_SIZE,
    retentionMs,
    format: given.FORMAT,
  };
}
