/** Reads the address of queue-service and the duration of leases from the environment. */
import { readInternalToken } from "../platform/http/internal-token.ts";
import { duration, type Env, parseEnv, url } from "../platform/process/env.ts";
import { MAX_LEASE_MS } from "./port.ts";

export interface QueueClientConfig {
  readonly kind: "http";
  readonly url: string;
  readonly token: string | null;
}

/** QUEUE_LEASE, in milliseconds: how long a consumer may hold a delivery before it is delivered again. */
export const queueLease = () => duration({ minMs: 100, maxMs: MAX_LEASE_MS }).default(30_000);

/** @throws ConfigError */
export function readQueueClientConfig(env: Env): QueueClientConfig {
  const { QUEUE_SERVICE_URL } = parseEnv(env, { QUEUE_SERVICE_URL: url().default("http://queue-service:8080") });
  return { kind: "http", url: QUEUE_SERVICE_URL, token: readInternalToken(env) };
}
