/** The real API on a free port, over a listed store. */
import type { Gpu, GpuUuid } from "../../schema/gpu.ts";
import type { Series } from "../../schema/reading.ts";
import type { ApiConfig } from "../../services/api-gateway/config.ts";
import { createApi } from "../../services/api-gateway/service.ts";
import { createInventorySchema } from "../../services/inventory/schema.ts";
import type { Health } from "../../services/platform/health.ts";
import { listen } from "../../services/platform/listen.ts";
import { type Logger, silentLogger } from "../../services/platform/logger.ts";
import { createMetrics } from "../../services/platform/metrics.ts";
import { createTelemetrySchema } from "../../services/telemetry/schema.ts";
import { ListedFeed, ListedStore } from "./listed-store.ts";

export const uuidOf = (number: number): GpuUuid =>
  `GPU-00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}` as GpuUuid;

/** 20 July 2025, 10:00 UTC: the first reading of every test fleet. */
export const START = Date.UTC(2025, 6, 20, 10);
export const UTIL = "DCGM_FI_DEV_GPU_UTIL" as Series;
export const TEMP = "DCGM_FI_DEV_GPU_TEMP" as Series;

/** Hosts of eight; every second GPU is held by a pod. Two series, one reading each second. */
export function fillFleet(store: ListedStore, { gpus, ticks }: { gpus: number; ticks: number }): void {
  for (let number = 0; number < gpus; number++) {
    const uuid = uuidOf(number);
    const held = number % 2 === 0;
    const gpu: Gpu = {
      uuid,
      index: String(number % 16),
      device: `nvidia${number % 16}`,
      model: number < gpus / 2 ? "NVIDIA H100 80GB HBM3" : "NVIDIA A100",
      host: `host-${String(Math.floor(number / 16)).padStart(3, "0")}`,
      driver: "535.129.03",
      container: held ? "main" : null,
      pod: held ? `train-${number}` : null,
      namespace: held ? "research" : null,
      firstSeen: START,
      lastSeen: START + (ticks - 1) * 1000,
    };
    store.known.push(gpu);
    for (let tick = 0; tick < ticks; tick++) {
      const at = START + tick * 1000;
      store.stored.push({ gpu: uuid, series: UTIL, at, value: (number + tick) % 101 });
      store.stored.push({ gpu: uuid, series: TEMP, at, value: 30.5 + tick });
    }
  }
}

export async function openApi({
  gpus = 3,
  ticks = 5,
  config = {},
  log = silentLogger,
}: {
  gpus?: number;
  ticks?: number;
  config?: Partial<ApiConfig>;
  log?: Logger;
} = {}) {
  const store = new ListedStore();
  const feed = new ListedFeed();
  fillFleet(store, { gpus, ticks });
  const health: { now: Health } = { now: { healthy: true, away: {} } };
  const metrics = createMetrics();
  const api = await createApi({
    subgraphs: {
      inventory: createInventorySchema({ repository: store }),
      telemetry: createTelemetrySchema({ repository: store, feed }),
    },
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
  const get = (path: string, init?: RequestInit) => fetch(listener.url + path, init);
  const graphql = async (query: string, variables?: Record<string, unknown>) => {
    const response = await fetch(`${listener.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as GraphqlAnswer) };
  };
  return {
    store,
    feed,
    health,
    api,
    url: listener.url,
    get,
    graphql,
    [Symbol.asyncDispose]: async () => {
      await listener[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

export interface GraphqlAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape it asked for
  readonly data?: any;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}
