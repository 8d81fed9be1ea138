/** GraphQL over WebSocket (graphql-transport-ws): guards connections and operations, then hands them to the gateway. */
import { type GatewayRuntime, getGraphQLWSOptions } from "@graphql-hive/gateway-runtime";
import { Answer } from "../../platform/graphql/answer.ts";
import { graphqlError } from "../../platform/graphql/errors.ts";
import { createGraphqlSocket, type SocketLimits, type SocketOptions } from "../../platform/graphql/graphql-socket.ts";
import { RowLists } from "../../platform/graphql/row-lists.ts";
import { exposeError } from "../../platform/graphql/subgraph.ts";
import type { SocketHooks } from "../../platform/http/listen.ts";
import { problem, problemOf } from "../../platform/http/problem.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import type { Turns } from "../../platform/process/turns.ts";
import type { ApiConfig } from "../config.ts";
import { type Access, bearerOf } from "../edge/access.ts";
import { GRAPHQL_PATH, MAX_BODY_BYTES } from "../edge/graphql-endpoint.ts";
import { type Throttle, tooOften } from "../edge/throttle.ts";
import { createSocketPlaces } from "./socket-places.ts";
import { SocketSession } from "./socket-session.ts";
import type { Watchdog } from "./watchdog.ts";

/** A client that has not sent `connection_init` within this time is disconnected. */
const INIT_MS = 5000;
/** How many operations of one socket may run at once. */
const MAX_OPERATIONS = 100;
const LIMITS: SocketLimits = {
  /** An operation of `MAX_BODY_BYTES` in any script, or one that is refused for its length alone. */
  maxMessageBytes: 256 * 1024,
  /** Five of the longest operations, or a hundred of 5 kB. */
  maxTextBytes: 512 * 1024,
};

type Options = SocketOptions<SocketSession>;

export interface WebSocketParts {
  readonly runtime: GatewayRuntime;
  readonly access: Access;
  readonly throttle: Throttle;
  readonly watchdog: Watchdog;
  readonly metrics: Metrics;
  /** The turns in which operations begin. */
  readonly turns: Turns;
  readonly config: Pick<ApiConfig, "rateLimit" | "maxSubscriptions">;
  /** Returns the headers that every answer gets. Here, refused upgrades get them. */
  readonly headersOf: (request: Request, response: Response) => Readonly<Record<string, string>>;
  readonly log: Logger;
}

export function createWebSocket(parts: WebSocketParts): SocketHooks {
  const { runtime, access, throttle, watchdog, metrics, turns, config, headersOf, log } = parts;
  const base = getGraphQLWSOptions<Record<string, unknown>, SocketSession>(runtime, ({ extra }) => ({
    client: extra.client,
    answer: new Answer({ rows: new RowLists(), client: extra.client }),
    // Plugins read the HTTP request of an operation. Over WebSocket there is none, so this one takes its place.
    request: new Request(`http://websocket.local${GRAPHQL_PATH}`, { method: "POST" }),
  }));
  // An error thrown here would close the socket with all its other subscriptions.
  const guarded =
    (run: NonNullable<Options["execute"]>): NonNullable<Options["execute"]> =>
    async (args) => {
      try {
        return await run(args);
      } catch (error) {
        return { errors: [exposeError(error, log)] };
      }
    };
  const places = createSocketPlaces(config.maxSubscriptions);
  metrics.gauge({ name: "websockets", help: "WebSockets that are open now." }, () => {
    return places.waiting.taken + places.settled.taken;
  });
  const options: Options = {
    ...(base as Options),
    ...(base.execute === undefined ? {} : { execute: guarded(base.execute as NonNullable<Options["execute"]>) }),
    ...(base.subscribe === undefined ? {} : { subscribe: guarded(base.subscribe as NonNullable<Options["execute"]>) }),
    connectionInitWaitTimeout: INIT_MS,
    onConnect: ({ connectionParams, extra }) => access.allowsBearer(bearerOf(connectionParams)) && extra.settle(),
    onOperation: ({ extra }, id, _payload, _args, result) =>
      Symbol.asyncIterator in result ? extra.pump(id, result) : undefined,
  };
  function refuse(request: Request): Response | null {
    const { pathname } = new URL(request.url);
    const retryAfterMs = throttle.waitMs(throttle.clientOf(request), "http");
    if (retryAfterMs > 0) return problemOf("overloaded", tooOften(config.rateLimit), { retryAfterMs });
    if (pathname !== GRAPHQL_PATH)
      return problemOf("not_found", `No WebSocket is served at ${pathname}: use ${GRAPHQL_PATH}`);
    const client = throttle.clientOf(request);
    const full = places.settled.refusalOf(client) ?? places.waiting.refusalOf(client);
    if (full !== null) return problemOf("overloaded", full);
    const detail = access.misdirectionOf(request) ?? access.refusalOf(request);
    return detail === null ? null : problem({ status: 403, title: "Forbidden", detail });
  }
  return createGraphqlSocket({
    options,
    limits: LIMITS,
    turns,
    log,
    refusalOf({ extra, subscriptions }, id, payload) {
      const retryAfterMs = throttle.waitMs(extra.client, "websocket");
      if (retryAfterMs > 0) return [graphqlError("overloaded", tooOften(config.rateLimit), { retryAfterMs })];
      if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
        return [graphqlError("overloaded", `One socket must not run more than ${MAX_OPERATIONS} operations at once`)];
      }
      // The id counts, too, because every result repeats it.
      const size = id.length + JSON.stringify(payload).length;
      if (size <= MAX_BODY_BYTES) return null;
      return [graphqlError("too_large", `The operation must have at most ${MAX_BODY_BYTES} characters, got ${size}`)];
    },
    open(peer) {
      const client = throttle.clientOf({ ip: peer.remoteAddress, headers: peer.request.headers });
      return new SocketSession(peer, { client, watchdog, places });
    },
    upgrade(request) {
      const refusal = refuse(request);
      for (const [name, value] of Object.entries(refusal === null ? {} : headersOf(request, refusal))) {
        refusal?.headers.set(name, value);
      }
      return refusal;
    },
  });
}
