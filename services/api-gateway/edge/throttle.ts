/** Limits the rate of each client, over HTTP and WebSocket together, and counts refusals. */
import { type Caller, clientOf } from "../../platform/http/client-address.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import type { ApiConfig } from "../config.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Maximum number of clients with a token bucket of their own. */
const MAX_CLIENTS = 10_000;

export interface Throttle {
  /** Returns the key of a client: its address. Over WebSocket, called once per connection. */
  clientOf(caller: Caller): string;
  /** Counts one request or operation. Returns 0 if it is accepted, else the milliseconds to wait before a retry. */
  waitMs(client: string, transport: "http" | "websocket"): number;
}

export const tooOften = (perSecond: number | null): string =>
  `Requests of one client must not exceed ${perSecond} per second (RATE_LIMIT)`;

export function createThrottle(
  { rateLimit, trustedProxies }: Pick<ApiConfig, "rateLimit" | "trustedProxies">,
  { metrics, clock }: { metrics: Metrics; clock: Clock },
): Throttle {
  const refused = metrics.counter({
    name: "rate_limited_total",
    help: "Requests over HTTP and operations over WebSocket that RATE_LIMIT refused.",
    labels: ["transport"],
  });
  const limit = rateLimit === null ? null : createRateLimit({ perSecond: rateLimit, maxClients: MAX_CLIENTS, clock });
  return {
    clientOf: (caller) => clientOf(caller, { proxies: trustedProxies }),
    waitMs(client, transport) {
      const wait = limit?.take(client) ?? 0;
      if (wait > 0) refused.inc({ transport });
      return wait;
    },
  };
}
