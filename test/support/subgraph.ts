/** The real telemetry subgraph over HTTP and WebSocket on a free port, over a listed store. */

import { createSubgraphServer } from "../../services/platform/graphql-server.ts";
import { createInternalGuard } from "../../services/platform/internal-token.ts";
import { listen } from "../../services/platform/listen.ts";
import { type Logger, silentLogger } from "../../services/platform/logger.ts";
import { createMetrics } from "../../services/platform/metrics.ts";
import { createTelemetrySchema } from "../../services/telemetry/schema.ts";
import { fillFleet, type GraphqlAnswer } from "./api.ts";
import { ListedFeed, ListedStore } from "./listed-store.ts";

export async function openSubgraph({
  token = null,
  queryTimeoutMs = 30_000,
  log = silentLogger,
}: {
  token?: string | null;
  queryTimeoutMs?: number;
  log?: Logger;
} = {}) {
  const store = new ListedStore();
  const feed = new ListedFeed();
  fillFleet(store, { gpus: 3, ticks: 2 });
  const metrics = createMetrics();
  const server = createSubgraphServer(createTelemetrySchema({ repository: store, feed }), {
    log,
    metrics,
    guard: createInternalGuard(token),
    queryTimeoutMs,
  });
  const { fetch: answer, websocket } = server;
  const listener = await listen({ port: 0, hostname: "127.0.0.1", fetch: answer, websocket });
  const url = `${listener.url}/graphql`;
  const post = (body: BodyInit, init: RequestInit = {}) =>
    fetch(url, { method: "POST", ...init, headers: { "content-type": "application/json", ...init.headers }, body });
  return {
    store,
    feed,
    metrics,
    url,
    post,
    graphql: async (query: string, init?: RequestInit) =>
      (await (await post(JSON.stringify({ query }), init)).json()) as GraphqlAnswer,
    [Symbol.asyncDispose]: async () => {
      await listener[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
