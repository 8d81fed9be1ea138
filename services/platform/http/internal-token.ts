/** INTERNAL_TOKEN: the bearer token of requests between our own services (queue-service and the subgraphs). */
import { type Env, parseEnv, text } from "../process/env.ts";
import type { Logger } from "../process/logger.ts";
import { isLoopback } from "./loopback.ts";

/** Returns the token, or null if none is set: then callers need no token. */
export const readInternalToken = (env: Env): string | null =>
  parseEnv(env, { INTERNAL_TOKEN: text().optional() }).INTERNAL_TOKEN ?? null;

/** Logs a warning if an internal service listens on the network without a token. */
export function warnWhenOpen({ host, token }: { host: string; token: string | null }, log: Logger): void {
  if (token !== null || isLoopback(host)) return;
  log.warn("answers everyone who reaches it: set INTERNAL_TOKEN, or keep it to a private network", { host });
}
