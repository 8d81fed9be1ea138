/** INTERNAL_TOKEN: the bearer token of requests between our own services (queue-service and the subgraphs). */
import { type Env, parseEnv, text } from "../process/env.ts";
import type { Logger } from "../process/logger.ts";
import { createBearerCheck } from "./bearer.ts";
import { isLoopback } from "./loopback.ts";
import { problem } from "./problem.ts";

export interface InternalGuard {
  allows(request: Request): boolean;
  /** For callers without a request of their own, such as an operation over WebSocket. */
  allowsBearer(authorization: string | null | undefined): boolean;
}

/** Returns null when no token is set: every caller is then answered. */
export const readInternalToken = (env: Env): string | null =>
  parseEnv(env, { INTERNAL_TOKEN: text().optional() }).INTERNAL_TOKEN ?? null;

export function createInternalGuard(token: string | null): InternalGuard {
  const allowsBearer = createBearerCheck(token);
  return { allowsBearer, allows: ({ headers }) => allowsBearer(headers.get("authorization")) };
}

/** Warns at the start when an internal service listens on the network without a token. */
export function warnWhenOpen({ host, token }: { host: string; token: string | null }, log: Logger): void {
  if (token !== null || isLoopback(host)) return;
  log.warn("answers everyone who reaches it: set INTERNAL_TOKEN, or keep it to a private network", { host });
}

export const internalTokenMissing = (): Response =>
  problem({
    status: 401,
    title: "Unauthorized",
    detail: "Send INTERNAL_TOKEN as Authorization: Bearer …",
    headers: { "www-authenticate": "Bearer" },
  });
