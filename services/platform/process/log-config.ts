/** Reads the environment variables for the log, which are the same for every service. */
import { choice, type Env, parseEnv } from "./env.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "./logger.ts";

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

/** @throws ConfigError */
export function readLogConfig(env: Env, { isTerminal }: { isTerminal: boolean }): LogConfig {
  const given = parseEnv(env, {
    LOG_LEVEL: choice(...LOG_LEVELS).default("info"),
    LOG_FORMAT: choice("json", "text").default(isTerminal ? "text" : "json"),
  });
  return { level: given.LOG_LEVEL, format: given.LOG_FORMAT };
}
