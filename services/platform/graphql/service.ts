/** Runs a subgraph as its own process: serves GraphQL, probes and metrics on one port. */
import type { GraphQLSchema } from "graphql";
import { createProbes, type Health, PROBE_PATHS, STOPPING } from "../http/health.ts";
import { createInternalGuard } from "../http/internal-guard.ts";
import { warnWhenOpen } from "../http/internal-token.ts";
import { problemOf } from "../http/problem.ts";
import { measureRequests } from "../http/requests.ts";
import { serveUntil } from "../http/serve.ts";
import type { Logger } from "../process/logger.ts";
import type { Metrics } from "../process/metrics.ts";
import type { SubgraphConfig } from "./config.ts";
import { createSubgraphServer, SUBGRAPH_PATH } from "./server.ts";

export interface SubgraphParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: () => Promise<Health>;
  readonly signal: AbortSignal;
}

const routeOf = (pathname: string): string =>
  pathname === SUBGRAPH_PATH || pathname === "/metrics" || PROBE_PATHS.has(pathname) ? pathname : "other";

/**
 * Serves until the signal aborts. Then reports not ready, lets running queries finish, and cuts subscriptions, which
 * gateways resume at another replica. Resolves to the exit code.
 * @throws AppError `unavailable` when the address is taken
 */
export async function runSubgraph(
  schema: GraphQLSchema,
  config: SubgraphConfig,
  { log, metrics, health, signal }: SubgraphParts,
): Promise<number> {
  const { port, host: hostname } = config.listen;
  const access = { host: hostname, token: config.internalToken };
  const guard = createInternalGuard(access);
  warnWhenOpen(access, log);
  const probes = createProbes({ metrics, guard, health: async () => (signal.aborted ? STOPPING : health()) });
  await using server = createSubgraphServer(schema, { log, metrics, guard, queryTimeoutMs: config.queryTimeoutMs });
  const fetch = measureRequests({ log, metrics, routeOf }, async (request, { pathname }) => {
    if (pathname === SUBGRAPH_PATH) return server.fetch(request);
    return (await probes(request)) ?? problemOf("not_found", `Nothing is at ${pathname}`);
  });
  await serveUntil(signal, { port, hostname, fetch, websocket: server.websocket }, log);
  return 0;
}
