/** The API on a free port, on a listed store. The subgraphs run in the same process, or each behind a server. */
import type { ApiConfig, SubgraphName } from "../../../services/api-gateway/config.ts";
import { createApi } from "../../../services/api-gateway/service.ts";
import { openRemoteSubgraphs } from "../../../services/api-gateway/subgraphs/remote.ts";
import { createInventorySchema } from "../../../services/inventory/schema.ts";
import type { Health } from "../../../services/platform/http/health.ts";
import { listen } from "../../../services/platform/http/listen.ts";
import { type Clock, systemClock } from "../../../services/platform/process/clock.ts";
import { type Logger, silentLogger } from "../../../services/platform/process/logger.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { openMemoryQueue } from "../../../services/queue/memory/queue.ts";
import type { Queue } from "../../../services/queue/port.ts";
import { createPipelineSchema } from "../../../services/queue-service/schema.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { type FaultProxy, openFaultProxy } from "../servers/fault-proxy.ts";
import { fillFleet } from "./fleet.ts";
import { type GraphqlAnswer, postGraphql } from "./graphql-answer.ts";
import { ListedFeed, ListedStore } from "./listed-store.ts";
import { serveSubgraph } from "./subgraph.ts";

export interface ApiOptions {
  readonly gpus?: number;
  readonly ticks?: number;
  readonly config?: Partial<ApiConfig>;
  readonly log?: Logger;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

interface ApiParts {
  readonly subgraphs: Parameters<typeof createApi>[0]["subgraphs"];
  readonly store: ListedStore;
  readonly feed: ListedFeed;
  readonly queue: Queue;
  readonly config: Partial<ApiConfig>;
  readonly log: Logger;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly options: Pick<ApiOptions, "signal" | "clock">;
}

async function serveApi({ subgraphs, store, feed, queue, config, log, metrics, options }: ApiParts) {
  const health: { now: Health } = { now: { healthy: true, away: {} } };
  const api = await createApi({
    subgraphs,
    config: {
      port: 0,
      host: "127.0.0.1",
      apiToken: null,
      adminToken: null,
      corsOrigins: [],
      allowedHosts: [],
      queryTimeoutMs: 30_000,
      maxSubscriptions: 100,
      rateLimit: null,
      trustedProxies: 0,
      introspection: true,
      graphiql: true,
      ...config,
    },
    log,
    metrics,
    clock: options.clock ?? systemClock,
    health: async () => health.now,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const listener = await listen({ port: 0, hostname: "127.0.0.1", fetch: api.fetch, websocket: api.websocket });
  return {
    store,
    feed,
    queue,
    health,
    api,
    metrics,
    url: listener.url,
    /** Adds a fleet to the store directly. */
    fill: (fleet: { gpus: number; ticks: number }) => fillFleet(store, fleet),
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
  const queue = openMemoryQueue({ clock: systemClock, maxBytes: 64 * 1024 * 1024, maxDeliveries: 5 });
  fillFleet(store, { gpus, ticks });
  return {
    store,
    feed,
    queue,
    schemas: {
      inventory: createInventorySchema({ repository: store }),
      telemetry: createTelemetrySchema({ repository: store, feed }),
      pipeline: createPipelineSchema({ queue, clock: systemClock }),
    },
  };
}

export function openApi(options: ApiOptions = {}) {
  const { config = {}, log = silentLogger } = options;
  const { schemas, ...parts } = fill(options);
  return serveApi({ ...parts, subgraphs: schemas, config, log, metrics: createMetrics(), options });
}

/** Each subgraph has a server of its own, and is reached through a proxy that can break the connection. */
export async function openRemoteApi(
  options: ApiOptions & { token?: string; urls?: Partial<Record<SubgraphName, string>> } = {},
) {
  const { config = {}, log = silentLogger, token = null, urls } = options;
  const { schemas, ...parts } = fill(options);
  await using opened = new AsyncDisposableStack();
  const reach = async (schema: typeof schemas.inventory): Promise<FaultProxy> => {
    const { port } = opened.use(await serveSubgraph(schema, { token }));
    return opened.use(await openFaultProxy({ host: "127.0.0.1", port }));
  };
  const links = {
    inventory: await reach(schemas.inventory),
    telemetry: await reach(schemas.telemetry),
    pipeline: await reach(schemas.pipeline),
  };
  const metrics = createMetrics();
  const remote = openRemoteSubgraphs(
    {
      inventory: `http://${links.inventory.address}/graphql`,
      telemetry: `http://${links.telemetry.address}/graphql`,
      pipeline: `http://${links.pipeline.address}/graphql`,
      ...urls,
    },
    { token, log, metrics, clock: options.clock ?? systemClock },
  );
  opened.use(remote.inventory);
  opened.use(remote.telemetry);
  opened.use(remote.pipeline);
  const subgraphs = {
    inventory: remote.inventory.execute,
    telemetry: remote.telemetry.execute,
    pipeline: remote.pipeline.execute,
  };
  const api = opened.use(await serveApi({ ...parts, subgraphs, config, log, metrics, options }));
  const all = opened.move();
  return { ...api, links, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
