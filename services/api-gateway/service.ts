/** Wires the API: one address for GraphQL, REST, pages, health and metrics. */
import { createProbes, type Health, healthOf, STOPPING } from "../platform/http/health.ts";
import type { SocketHooks } from "../platform/http/listen.ts";
import { problemOf } from "../platform/http/problem.ts";
import { measureRequests } from "../platform/http/requests.ts";
import { serveUntil } from "../platform/http/serve.ts";
import type { Clock } from "../platform/process/clock.ts";
import type { Logger } from "../platform/process/logger.ts";
import type { Metrics } from "../platform/process/metrics.ts";
import { Turns } from "../platform/process/turns.ts";
import type { ApiConfig, GatewayConfig, SubgraphName } from "./config.ts";
import { ABOUT_PATH, createAbout } from "./edge/about.ts";
import { createAccess } from "./edge/access.ts";
import { GRAPHQL_PATH } from "./edge/graphql-endpoint.ts";
import { createGuards, firstAnswer, OPEN_PATHS } from "./edge/guards.ts";
import { answerHealth, createPublicHealth, HEALTH_PATH } from "./edge/public-health.ts";
import { createThrottle } from "./edge/throttle.ts";
import { isInProcess, openGateway, type Subgraph } from "./graph/gateway.ts";
import { createGraphqlHttp } from "./live/graphql-http.ts";
import { createSubscriptions } from "./live/subscriptions.ts";
import { Watchdog } from "./live/watchdog.ts";
import { createWebSocket } from "./live/websocket.ts";
import { createPages } from "./pages/handler.ts";
import { REST_PATH } from "./rest/contract.ts";
import { createRest } from "./rest/handler.ts";
import { openRemoteSubgraphs } from "./subgraphs/remote.ts";

export interface ApiParts {
  readonly subgraphs: Readonly<Record<SubgraphName, Subgraph>>;
  readonly config: ApiConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly health: () => Promise<Health>;
  /** Whether the data are the simulated sample, which `/about.json` and the start page say. Default: false. */
  readonly isSample?: boolean;
  /** When this signal aborts, subscriptions end in a way that makes clients subscribe again. */
  readonly signal?: AbortSignal;
}

export interface Api extends AsyncDisposable {
  /** Answers every request; it never rejects. */
  fetch(request: Request): Promise<Response>;
  readonly websocket: SocketHooks;
}

/** For answers without a policy of their own. Strict-Transport-Security is left to the proxy that terminates TLS. */
const POLICY = { "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'" } as const;
const BROWSER_HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

const LISTS: ReadonlySet<string> = new Set(["gpus", "telemetry", "workloads"].map((list) => `${REST_PATH}/${list}`));

function routeOf(pathname: string): string {
  if (pathname === GRAPHQL_PATH || OPEN_PATHS.has(pathname) || pathname === "/metrics") return pathname;
  if (LISTS.has(pathname)) return pathname;
  if (!pathname.startsWith(`${REST_PATH}/gpus/`)) return "other";
  return pathname.endsWith("/telemetry") ? `${REST_PATH}/gpus/{uuid}/telemetry` : `${REST_PATH}/gpus/{uuid}`;
}

export async function createApi(parts: ApiParts): Promise<Api> {
  const { subgraphs, config, log, metrics, clock } = parts;
  const health = createPublicHealth(parts.health, { log, clock });
  const access = createAccess(config);
  const throttle = createThrottle(config, { metrics, clock });
  const watchdog = new Watchdog({ metrics, clock });
  parts.signal?.addEventListener("abort", () => watchdog.stop(), { once: true });
  const turns = new Turns();
  const subscriptions = createSubscriptions(config.maxSubscriptions);
  const gateway = await openGateway(subgraphs, { config, access, log, turns, subscriptions: subscriptions.plugin });
  const graphql = createGraphqlHttp({ runtime: gateway.runtime, access, watchdog, turns, clientOf: throttle.clientOf });
  const rest = createRest(gateway, { log, clock, clientOf: throttle.clientOf });
  const guards = createGuards({ access, throttle, config, pages: createPages(config) });
  const about = createAbout({
    wiring: Object.values(subgraphs).every(isInProcess) ? "embedded" : "distributed",
    subgraphs: Object.keys(subgraphs),
    sample: parts.isSample ?? false,
    clock,
  });
  const probes = createProbes({ metrics, health });
  metrics.gauge({ name: "subscriptions", help: "GraphQL subscriptions that run now." }, () => subscriptions.running);

  async function answer(request: Request, url: URL): Promise<Response> {
    const guarded = await firstAnswer(guards, request, url);
    if (guarded !== null) return guarded;
    const { pathname } = url;
    if (pathname === REST_PATH || pathname.startsWith(`${REST_PATH}/`)) return rest(request);
    if (pathname === ABOUT_PATH) return about(request);
    if (pathname === GRAPHQL_PATH) return graphql(request, url);
    const probe = await probes(request);
    if (probe !== null) return probe;
    if (pathname === HEALTH_PATH) return answerHealth(request, { health, clock });
    return problemOf("not_found", `Nothing is at ${pathname}: see /`);
  }

  const headersOf = (request: Request, response: Response) => ({
    ...BROWSER_HEADERS,
    ...(response.headers.has("content-security-policy") ? {} : POLICY),
    ...access.corsHeaders(request),
  });
  return {
    fetch: measureRequests({ log, metrics, routeOf, headersOf }, answer),
    websocket: createWebSocket({
      runtime: gateway.runtime,
      access,
      throttle,
      watchdog,
      metrics,
      turns,
      config,
      headersOf,
      log,
    }),
    async [Symbol.asyncDispose]() {
      watchdog[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const mapped = <Name extends string, From, To>(record: Readonly<Record<Name, From>>, to: (from: From) => To) =>
  Object.fromEntries(Object.entries<From>(record).map(([name, from]) => [name, to(from)])) as Record<Name, To>;

/**
 * Serves the API over subgraphs in other processes until the signal aborts. Resolves to the exit code.
 * @throws AppError `unavailable` when the address is taken
 */
export async function runGateway(
  config: GatewayConfig,
  { log, metrics, clock, signal }: { log: Logger; metrics: Metrics; clock: Clock; signal: AbortSignal },
): Promise<number> {
  const remote = openRemoteSubgraphs(config.subgraphs, { token: config.internalToken, log, metrics, clock });
  await using opened = new AsyncDisposableStack();
  for (const subgraph of Object.values(remote)) opened.use(subgraph);
  // If only some subgraphs are unavailable, the gateway is degraded: it still answers the fields of the others.
  const healthNow = async (): Promise<Health> => {
    const { healthy, away } = await healthOf(mapped(remote, ({ ready }) => ready));
    return { healthy, away, isDegraded: !healthy && Object.keys(away).length < Object.keys(remote).length };
  };
  const { fetch, websocket } = opened.use(
    await createApi({
      subgraphs: mapped(remote, ({ execute }) => execute),
      config: config.api,
      log,
      metrics,
      clock,
      signal,
      health: async () => (signal.aborted ? STOPPING : healthNow()),
    }),
  );
  const { port, host: hostname, portVariable } = config.api;
  await serveUntil(signal, { port, hostname, portVariable, fetch, websocket }, log);
  return 0;
}
