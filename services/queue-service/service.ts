/** queue-service: the queue over HTTP. Replicas are alike: what they know lies in the queue behind them. */
import { createProbes, healthOf } from "../platform/health.ts";
import { createInternalGuard, internalTokenMissing } from "../platform/internal-token.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { createRequestMeter } from "../platform/request-meter.ts";
import type { Queue } from "../queue/port.ts";
import { QUEUE_PATHS } from "../queue/wire.ts";
import { createClaims } from "./claims.ts";
import { withQueueFigures } from "./figures.ts";
import { createRoutes } from "./routes.ts";

const ROUTES: ReadonlySet<string> = new Set([...Object.values(QUEUE_PATHS), "/healthz", "/readyz", "/metrics"]);

export interface QueueApiConfig {
  readonly internalToken: string | null;
  /** Lease of a claim that names none. */
  readonly leaseMs: number;
}

export interface QueueServiceParts {
  readonly queue: Queue;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Ends the waits of claims, and the service. */
  readonly signal: AbortSignal;
}

const routeOf = (pathname: string): string => {
  if (ROUTES.has(pathname)) return pathname;
  return pathname.startsWith(`${QUEUE_PATHS.claims}/`) ? `${QUEUE_PATHS.claims}/{id}` : "other";
};

/** Answers every request; it never rejects. */
export function createQueueApi(
  { internalToken, leaseMs }: QueueApiConfig,
  { queue, log, metrics, signal }: QueueServiceParts,
): (request: Request) => Promise<Response> {
  const guard = createInternalGuard(internalToken);
  const claims = createClaims(queue, { log, stop: signal });
  metrics.gauge({ name: "queue_claims_waiting", help: "Claims that wait in this process." }, () => claims.waiting);
  const routes = createRoutes({ queue, claims, leaseMs, log });
  const probes = createProbes({
    metrics: withQueueFigures(metrics, { stats: () => queue.stats(), log }),
    health: () => healthOf({ queue: () => queue.stats() }),
    guard,
  });
  const meter = createRequestMeter({ metrics, log, routeOf, waiting: new Set([QUEUE_PATHS.claims]) });
  const answer = async (request: Request): Promise<Response> => {
    const probe = await probes(request);
    if (probe !== null) return probe;
    return guard.allows(request) ? routes.fetch(request) : internalTokenMissing();
  };
  return async (request) => {
    const startedAt = performance.now();
    const response = await answer(request);
    meter(request, response.status, startedAt);
    return response;
  };
}
