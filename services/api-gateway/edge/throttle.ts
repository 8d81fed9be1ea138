/** Holds each client to its rate, over HTTP and WebSocket together, and counts those sent away. */
import { type Caller, clientOf } from "../../platform/http/client-address.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import type { ApiConfig } from "../config.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Clients with a bucket of their own. */
const MAX_CLIENTS = 10_000;

export interface Throttle {
  /** By its address; over WebSocket it is found once, when the connection is made. */
  clientOf(caller: Caller): string;
  /** Counts one request, or one operation: 0, or after how many ms it may come again. */
  waitMs(client: string, transport: "http" | "websocket"): number;
}

export const tooOften = (perSecond: number | null): string =>
  `Too many requests: accepted are ${perSecond} a second from one client (RATE_LIMIT)`;

export function createThrottle(
  { rateLimit, trustedProxies }: Pick<ApiConfig, "rateLimit" | "trustedProxies">,
  { metrics, clock }: { metrics: Metrics; clock: Clock },
): Throttle {
  const refused = metrics.counter({
    name: "rate_limited_total",
    help: "Requests over HTTP and operations over WebSocket that were refused because their client asked too often.",
    labels: ["transport"],
  });
  const limit = rateLimit === null ? null : createRateLimit({ perSecond: rateLimit, maxClients: MAX_CLIENTS, clock });
  return {
    clientOf: (caller) => (limit === null ? "" : clientOf(caller, { proxies: trustedProxies })),
    waitMs(client, transport) {
      const wait = limit?.take(client) ?? 0;
      if (wait > 0) refused.inc({ transport });
      return wait;
    },
  };
}
