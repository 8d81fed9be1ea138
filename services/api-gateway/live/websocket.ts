/** GraphQL over WebSocket (graphql-transport-ws): guards connections and operations, then hands them to the gateway. */
import { type GatewayRuntime, getGraphQLWSOptions } from "@graphql-hive/gateway-runtime";
import type { Hooks } from "crossws";
import type { ServerOptions } from "graphql-ws";
import { type Extra, makeHooks } from "graphql-ws/use/crossws";
import { graphqlError } from "../../platform/graphql/errors.ts";
import { exposeError } from "../../platform/graphql/subgraph.ts";
import { problem, problemOf } from "../../platform/http/problem.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Metrics } from "../../platform/process/metrics.ts";
import type { ApiConfig } from "../config.ts";
import { type Access, bearerOf } from "../edge/access.ts";
import { GRAPHQL_PATH, MAX_BODY_BYTES } from "../edge/graphql-endpoint.ts";
import { type Throttle, tooOften } from "../edge/throttle.ts";
import { SocketSession } from "./socket-session.ts";
import type { Watchdog } from "./watchdog.ts";

/** A client that has not sent `connection_init` within this time is disconnected. */
const INIT_MS = 5000;
/** How many operations of one socket may run at once. */
const MAX_OPERATIONS = 100;
/** A larger message closes its socket without being parsed. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** How many sockets may be open per subscription that may run: a page that reloads has two sockets for a moment. */
const SOCKETS_PER_SUBSCRIPTION = 2;

type Options = ServerOptions<Record<string, unknown> | undefined, Extra>;

export interface WebSocketParts {
  readonly runtime: GatewayRuntime;
  readonly access: Access;
  readonly throttle: Throttle;
  readonly watchdog: Watchdog;
  readonly metrics: Metrics;
  readonly config: Pick<ApiConfig, "rateLimit" | "maxSubscriptions">;
  /** Returns the headers that every answer gets. Here, refused upgrades get them. */
  readonly headersOf: (request: Request, response: Response) => Readonly<Record<string, string>>;
  readonly log: Logger;
}

export function createWebSocket(parts: WebSocketParts): Partial<Hooks> {
  const { runtime, access, throttle, watchdog, metrics, config, headersOf, log } = parts;
  const base = getGraphQLWSOptions<Record<string, unknown>, Extra>(runtime, () => ({
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
  const sessions = new WeakMap<object, SocketSession>();
  const sessionOf = ({ extra }: { readonly extra: Extra }): SocketSession => {
    const session = sessions.get(extra.socket);
    if (session === undefined) throw new Error("The socket of this message is not open");
    return session;
  };
  let sockets = 0;
  metrics.gauge({ name: "websockets", help: "WebSockets that are open now." }, () => sockets);
  const maxSockets = config.maxSubscriptions * SOCKETS_PER_SUBSCRIPTION;
  const options: Options = {
    ...(base as Options),
    ...(base.execute === undefined ? {} : { execute: guarded(base.execute as NonNullable<Options["execute"]>) }),
    ...(base.subscribe === undefined ? {} : { subscribe: guarded(base.subscribe as NonNullable<Options["execute"]>) }),
    connectionInitWaitTimeout: INIT_MS,
    onConnect: ({ connectionParams }) => access.allowsBearer(bearerOf(connectionParams)),
    async onSubscribe(context, id, payload) {
      const retryAfterMs = throttle.waitMs(sessionOf(context).client, "websocket");
      if (retryAfterMs > 0) return [graphqlError("overloaded", tooOften(config.rateLimit), { retryAfterMs })];
      if (Object.keys(context.subscriptions).length > MAX_OPERATIONS) {
        return [graphqlError("overloaded", `One socket must not run more than ${MAX_OPERATIONS} operations at once`)];
      }
      // The id counts, too, because every result repeats it.
      const size = id.length + JSON.stringify(payload).length;
      if (size > MAX_BODY_BYTES) {
        return [graphqlError("too_large", `The operation must have at most ${MAX_BODY_BYTES} characters, got ${size}`)];
      }
      return (base as Options).onSubscribe?.(context, id, payload);
    },
    onOperation: (context, id, _payload, _args, result) =>
      Symbol.asyncIterator in result ? sessionOf(context).pump(id, result) : undefined,
  };
  const hooks = makeHooks(options);
  function refuse(request: Request): Response | null {
    const { pathname } = new URL(request.url);
    const retryAfterMs = throttle.waitMs(throttle.clientOf(request), "http");
    if (retryAfterMs > 0) return problemOf("overloaded", tooOften(config.rateLimit), { retryAfterMs });
    if (pathname !== GRAPHQL_PATH)
      return problemOf("not_found", `No WebSocket is served at ${pathname}: use ${GRAPHQL_PATH}`);
    if (sockets >= maxSockets) return problemOf("overloaded", `All ${maxSockets} sockets are in use: try again later`);
    const detail = access.misdirectionOf(request) ?? access.refusalOf(request);
    return detail === null ? null : problem({ status: 403, title: "Forbidden", detail });
  }
  return {
    ...hooks,
    open(peer) {
      const client = throttle.clientOf({ ip: peer.remoteAddress, headers: peer.request.headers });
      sockets++;
      sessions.set(peer.websocket, new SocketSession(peer, { client, watchdog }));
      hooks.open(peer);
    },
    message(peer, message) {
      sessions.get(peer.websocket)?.heard();
      if (message.uint8Array().byteLength > MAX_MESSAGE_BYTES) return peer.close(1009, "Message too big");
      return hooks.message(peer, message);
    },
    close(peer, details) {
      const session = sessions.get(peer.websocket);
      if (session === undefined) return;
      sockets--;
      sessions.delete(peer.websocket);
      session.close();
      return hooks.close(peer, details);
    },
    error(peer, error) {
      log.debug("socket failed", { error });
      peer.close(1011, "Internal error");
    },
    upgrade(upgrade) {
      const request = upgrade as Request;
      const refusal = refuse(request);
      if (refusal === null) return hooks.upgrade(upgrade);
      for (const [name, value] of Object.entries(headersOf(request, refusal))) refusal.headers.set(name, value);
      return refusal;
    },
  };
}
