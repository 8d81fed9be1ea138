/** Which store a service of its own opens, from the environment. */
import { duration, type Env, parseEnv, text } from "../platform/env.ts";
import type { RepositoryConfig } from "./open.ts";

/** @throws ConfigError */
export function readStoreConfig(env: Env): RepositoryConfig {
  const { SQLITE_PATH: path, RETENTION: retentionMs } = parseEnv(env, {
    SQLITE_PATH: text(),
    RETENTION: duration().default(0),
  });
  return { kind: "sqlite", path, retentionMs };
}
