/** Subgraphs over HTTP and WebSocket on free ports, on a listed store. */
import type { GraphQLSchema } from "graphql";
import { createSubgraphServer } from "../../../services/platform/graphql/server.ts";
import { createInternalGuard } from "../../../services/platform/http/internal-guard.ts";
import { listen } from "../../../services/platform/http/listen.ts";
import { type Logger, silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { fillFleet } from "./fleet.ts";
import { type GraphqlAnswer, postGraphql } from "./graphql-answer.ts";
import { ListedFeed, ListedStore } from "./listed-store.ts";

export interface SubgraphOptions {
  readonly token?: string | null;
  readonly queryTimeoutMs?: number;
  readonly log?: Logger;
}

export async function serveSubgraph(
  schema: GraphQLSchema,
  { token = null, queryTimeoutMs = 30_000, log = silentLogger }: SubgraphOptions = {},
) {
  const metrics = createMetrics();
  const guard = createInternalGuard({ token, host: "127.0.0.1" });
  const server = createSubgraphServer(schema, { log, metrics, guard, queryTimeoutMs });
  const { fetch: answer, websocket } = server;
  const listener = await listen({ port: 0, hostname: "127.0.0.1", fetch: answer, websocket });
  return {
    metrics,
    port: listener.port,
    url: `${listener.url}/graphql`,
    [Symbol.asyncDispose]: async () => {
      await listener[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The telemetry subgraph with three GPUs. */
export async function openTelemetry(options: SubgraphOptions = {}) {
  const store = new ListedStore();
  const feed = new ListedFeed();
  fillFleet(store, { gpus: 3, ticks: 2 });
  const server = await serveSubgraph(createTelemetrySchema({ repository: store, feed }), options);
  const { metrics, url } = server;
  return {
    store,
    feed,
    metrics,
    url,
    post: (body: BodyInit, init?: RequestInit) => postGraphql(url, body, init),
    graphql: async (query: string, init?: RequestInit) =>
      (await (await postGraphql(url, JSON.stringify({ query }), init)).json()) as GraphqlAnswer,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
