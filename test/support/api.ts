/** The real API on a free port, over a listed store: its subgraphs in the same process, or each behind a server. */
import type { ApiConfig } from "../../services/api-gateway/config.ts";
import { openRemoteSubgraphs } from "../../services/api-gateway/remote.ts";
import { createApi } from "../../services/api-gateway/service.ts";
import { createInventorySchema } from "../../services/inventory/schema.ts";
import type { Health } from "../../services/platform/health.ts";
import { listen } from "../../services/platform/listen.ts";
import { type Logger, silentLogger } from "../../services/platform/logger.ts";
import { createMetrics } from "../../services/platform/metrics.ts";
import { createTelemetrySchema } from "../../services/telemetry/schema.ts";
import { type FaultProxy, openFaultProxy } from "./fault-proxy.ts";
import { fillFleet } from "./fleet.ts";
import { type GraphqlAnswer, postGraphql } from "./graphql-answer.ts";
import { ListedFeed, ListedStore } from "./listed-store.ts";
import { serveSubgraph } from "./subgraph.ts";

export interface ApiOptions {
  readonly gpus?: number;
  readonly ticks?: number;
  readonly config?: Partial<ApiConfig>;
  readonly log?: Logger;
}

interface ApiParts {
  readonly subgraphs: Parameters<typeof createApi>[0]["subgraphs"];
  readonly store: ListedStore;
  readonly feed: ListedFeed;
  readonly config: Partial<ApiConfig>;
  readonly log: Logger;
  readonly metrics: ReturnType<typeof createMetrics>;
}

async function serveApi({ subgraphs, store, feed, config, log, metrics }: ApiParts) {
  const health: { now: Health } = { now: { healthy: true, away: {} } };
  const api = await createApi({
    subgraphs,
    config: {
      port: 0,
      host: "127.0.0.1",
      apiToken: null,
      corsOrigins: [],
      queryTimeoutMs: 30_000,
      maxSubscriptions: 100,
      ...config,
    },
    log,
    metrics,
    health: async () => health.now,
  });
  const listener = await listen({ port: 0, hostname: "127.0.0.1", fetch: api.fetch, websocket: api.websocket });
  return {
    store,
    feed,
    health,
    api,
    metrics,
    url: listener.url,
    get: (path: string, init?: RequestInit) => fetch(listener.url + path, init),
    graphql: async (query: string, variables?: Record<string, unknown>, init?: RequestInit) => {
      const response = await postGraphql(`${listener.url}/graphql`, JSON.stringify({ query, variables }), init);
      return { status: response.status, ...((await response.json()) as GraphqlAnswer) };
    },
    [Symbol.asyncDispose]: async () => {
      await listener[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

function fill({ gpus = 3, ticks = 5 }: ApiOptions) {
  const store = new ListedStore();
  const feed = new ListedFeed();
  fillFleet(store, { gpus, ticks });
  return {
    store,
    feed,
    schemas: {
      inventory: createInventorySchema({ repository: store }),
      telemetry: createTelemetrySchema({ repository: store, feed }),
    },
  };
}

export function openApi(options: ApiOptions = {}) {
  const { config = {}, log = silentLogger } = options;
  const { schemas, ...parts } = fill(options);
  return serveApi({ ...parts, subgraphs: schemas, config, log, metrics: createMetrics() });
}

/** Each subgraph behind a server of its own, and each way there through a proxy that breaks it on demand. */
export async function openRemoteApi(
  options: ApiOptions & { token?: string; urls?: { readonly inventory?: string; readonly telemetry?: string } } = {},
) {
  const { config = {}, log = silentLogger, token = null, urls } = options;
  const { schemas, ...parts } = fill(options);
  await using opened = new AsyncDisposableStack();
  const reach = async (schema: typeof schemas.inventory): Promise<FaultProxy> => {
    const { port } = opened.use(await serveSubgraph(schema, { token }));
    return opened.use(await openFaultProxy({ host: "127.0.0.1", port }));
  };
  const links = { inventory: await reach(schemas.inventory), telemetry: await reach(schemas.telemetry) };
  const metrics = createMetrics();
  const remote = openRemoteSubgraphs(
    {
      inventory: `http://${links.inventory.address}/graphql`,
      telemetry: `http://${links.telemetry.address}/graphql`,
      ...urls,
    },
    { token, log, metrics },
  );
  opened.use(remote.inventory);
  opened.use(remote.telemetry);
  const subgraphs = { inventory: remote.inventory.execute, telemetry: remote.telemetry.execute };
  const api = opened.use(await serveApi({ ...parts, subgraphs, config, log, metrics }));
  const all = opened.move();
  return { ...api, links, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
