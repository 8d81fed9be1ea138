/** api-gateway: one address for GraphQL, REST, pages, health and metrics. */
import type { Hooks } from "crossws";
import type { GraphQLSchema } from "graphql";
import { formatTimestamp } from "../../schema/timestamp.ts";
import { askHealth, createProbes, type Health, PROBE_PATHS } from "../platform/health.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { methodNotAllowed, problem, problemOf } from "../platform/problem.ts";
import { createAccess } from "./access.ts";
import type { ApiConfig } from "./config.ts";
import { GRAPHQL_PATH, openGateway } from "./gateway.ts";
import { createGraphqlHttp } from "./graphql-http.ts";
import { createPages } from "./pages.ts";
import { createRest } from "./rest.ts";
import { REST_PATH } from "./rest-contract.ts";
import { createWebSocket } from "./websocket.ts";

export interface ApiParts {
  readonly subgraphs: { readonly inventory: GraphQLSchema; readonly telemetry: GraphQLSchema };
  readonly config: ApiConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: () => Promise<Health>;
}

export interface Api extends AsyncDisposable {
  /** Answers every request; it never rejects. */
  fetch(request: Request): Promise<Response>;
  readonly websocket: Partial<Hooks>;
}

const SLOW_MS = 1000;
const DURATION_BUCKETS_S = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30];
const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;
const METHODS = new Set(["GET", "HEAD", "POST", "OPTIONS"]);
const OPEN_PATHS = new Set(["/health", ...PROBE_PATHS]);

function routeOf(pathname: string): string {
  if (pathname === GRAPHQL_PATH || OPEN_PATHS.has(pathname) || pathname === "/metrics") return pathname;
  if (!pathname.startsWith(`${REST_PATH}/gpus`)) return "other";
  if (pathname === `${REST_PATH}/gpus`) return pathname;
  return pathname.endsWith("/telemetry") ? `${REST_PATH}/gpus/{uuid}/telemetry` : `${REST_PATH}/gpus/{uuid}`;
}

async function answerHealth(health: ApiParts["health"]): Promise<Response> {
  const { healthy, away } = await askHealth(health);
  const timestamp = formatTimestamp(Date.now());
  const body = healthy ? { status: "healthy", timestamp } : { status: "unhealthy", timestamp, dependencies: away };
  return Response.json(body, { status: healthy ? 200 : 503, headers: { "cache-control": "no-store" } });
}

export async function createApi({ subgraphs, config, log, metrics, health }: ApiParts): Promise<Api> {
  const access = createAccess(config);
  const gateway = await openGateway(subgraphs, { config, log });
  const graphql = createGraphqlHttp(gateway.runtime, access);
  const rest = createRest(gateway, log);
  const pages = createPages();
  const probes = createProbes({ metrics, health });
  const seconds = metrics.histogram({
    name: "http_request_duration_seconds",
    help: "Time to the head of an answer, by route, method and status.",
    labels: ["route", "method", "status"],
    buckets: DURATION_BUCKETS_S,
  });
  metrics.gauge(
    { name: "subscriptions", help: "GraphQL subscriptions that run now." },
    () => gateway.subscriptions.running,
  );

  async function answer(request: Request, url: URL): Promise<Response> {
    const { method, headers } = request;
    const { pathname } = url;
    if (method === "OPTIONS" && headers.has("access-control-request-method"))
      return new Response(null, { status: 204 });
    if (!OPEN_PATHS.has(pathname) && !access.allowsBearer(headers.get("authorization"))) {
      const detail = "Send API_TOKEN as Authorization: Bearer …";
      return problem({ status: 401, title: "Unauthorized", detail, headers: { "www-authenticate": "Bearer" } });
    }
    if (pathname === REST_PATH || pathname.startsWith(`${REST_PATH}/`)) return rest(request);
    const page = await pages(request, url);
    if (page !== null) return page;
    if (pathname === GRAPHQL_PATH) return graphql(request);
    const probe = await probes(request);
    if (probe !== null) return probe;
    if (pathname !== "/health") return problemOf("not_found", `Nothing is at ${pathname}: see /`);
    if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
    const response = await answerHealth(health);
    return method === "HEAD" ? new Response(null, response) : response;
  }

  return {
    async fetch(request) {
      const startedAt = performance.now();
      const url = new URL(request.url);
      let response: Response;
      try {
        response = await answer(request, url);
      } catch (error) {
        log.error("request failed", { method: request.method, path: url.pathname, error });
        response = problemOf("internal", "Something is wrong on our side; the log says what");
      }
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
      for (const [name, value] of Object.entries(access.corsHeaders(request))) response.headers.set(name, value);
      const tookMs = performance.now() - startedAt;
      const { status } = response;
      const fields = { method: request.method, path: url.pathname, status, tookMs: Math.round(tookMs) };
      if (status >= 500 || tookMs > SLOW_MS) log.info("request", fields);
      else log.debug("request", fields);
      const method = METHODS.has(request.method) ? request.method : "other";
      seconds.observe({ route: routeOf(url.pathname), method, status: String(status) }, tookMs / 1000);
      return response;
    },
    websocket: createWebSocket(gateway.runtime, access, log),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}
