/**
 * queue-service: the queue over HTTP, and the subgraph `pipeline`. Replicas keep no state of their own; all state is in
 * the queue.
 */
import { createSubgraphServer, SUBGRAPH_PATH } from "../platform/graphql/server.ts";
import { createProbes, healthOf, PROBE_PATHS, STOPPING } from "../platform/http/health.ts";
import { createInternalGuard } from "../platform/http/internal-guard.ts";
import { warnWhenOpen } from "../platform/http/internal-token.ts";
import type { SocketHooks } from "../platform/http/listen.ts";
import { measureRequests } from "../platform/http/requests.ts";
import { serveUntil } from "../platform/http/serve.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import type { Queue } from "../queue/port.ts";
import { QUEUE_PATHS } from "../queue/wire.ts";
import { createClaims } from "./claims.ts";
import type { QueueServiceConfig } from "./config.ts";
import { withQueueFigures } from "./figures.ts";
import { createRoutes } from "./routes.ts";
import { createPipelineSchema } from "./schema.ts";

const ROUTES: ReadonlySet<string> = new Set([...Object.values(QUEUE_PATHS), ...PROBE_PATHS, SUBGRAPH_PATH, "/metrics"]);

export type QueueApiConfig = Pick<QueueServiceConfig, "listen" | "internalToken" | "leaseMs" | "queryTimeoutMs">;

export interface QueueApi extends AsyncDisposable {
  /** Answers every request. Never rejects. */
  fetch(request: Request): Promise<Response>;
  readonly websocket: SocketHooks;
}

export interface QueueServiceParts {
  readonly queue: Queue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** When it aborts, waiting claims end, and then the service. */
  readonly signal: AbortSignal;
}

const routeOf = (pathname: string): string => {
  if (ROUTES.has(pathname)) return pathname;
  return pathname.startsWith(`${QUEUE_PATHS.claims}/`) ? `${QUEUE_PATHS.claims}/{id}` : "other";
};

export function createQueueApi(
  { listen, internalToken, leaseMs, queryTimeoutMs }: QueueApiConfig,
  { queue, clock, log, metrics, signal }: QueueServiceParts,
): QueueApi {
  const guard = createInternalGuard({ host: listen.host, token: internalToken });
  const claims = createClaims(queue, { log, stop: signal });
  metrics.gauge({ name: "queue_claims_waiting", help: "Claims that wait in this process." }, () => claims.waiting);
  const routes = createRoutes({ queue, claims, leaseMs, log });
  const graph = createSubgraphServer(createPipelineSchema({ queue, clock }), { log, metrics, guard, queryTimeoutMs });
  const probes = createProbes({
    metrics: withQueueFigures(metrics, { stats: () => queue.stats(), log }),
    health: async () => (signal.aborted ? STOPPING : healthOf({ queue: () => queue.stats() })),
    guard,
  });
  const waiting = new Set([QUEUE_PATHS.claims]);
  return {
    fetch: measureRequests({ log, metrics, routeOf, waiting }, async (request, { pathname }) => {
      if (pathname === SUBGRAPH_PATH) return graph.fetch(request);
      const probe = await probes(request);
      if (probe !== null) return probe;
      return guard.refuse(request) ?? routes.fetch(request);
    }),
    websocket: graph.websocket,
    [Symbol.asyncDispose]: () => graph[Symbol.asyncDispose](),
  };
}

/**
 * Serves until the signal aborts, then answers waiting claims with no deliveries and finishes the requests in flight.
 * Resolves to the exit code.
 * @throws AppError `unavailable` when the address is in use
 */
export async function runQueueService(config: QueueServiceConfig, parts: QueueServiceParts): Promise<number> {
  const { signal, log } = parts;
  const { port, host: hostname } = config.listen;
  warnWhenOpen({ host: hostname, token: config.internalToken }, log);
  await using api = createQueueApi(config, parts);
  await serveUntil(signal, { port, hostname, fetch: api.fetch, websocket: api.websocket }, log);
  return 0;
}
