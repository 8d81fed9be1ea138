/** GraphQL over WebSocket (graphql-transport-ws), on one path, for pages and clients that may ask. */
import { type GatewayRuntime, getGraphQLWSOptions } from "@graphql-hive/gateway-runtime";
import type { Hooks } from "crossws";
import { GraphQLError } from "graphql";
import type { ServerOptions } from "graphql-ws";
import { type Extra, makeHooks } from "graphql-ws/use/crossws";
import { ERROR_CODES, type ErrorCode } from "../../../schema/model/errors.ts";
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

/** Within it a client says who it is. */
const INIT_MS = 5000;
/** Under way at once on one socket. */
const MAX_OPERATIONS = 100;
/** Of one message, before it is read at all. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Sockets without a subscription cost little, and a page that is loaded anew has two for a moment. */
const SOCKETS_PER_SUBSCRIPTION = 2;

type Options = ServerOptions<Record<string, unknown> | undefined, Extra>;

export interface WebSocketParts {
  readonly runtime: GatewayRuntime;
  readonly access: Access;
  readonly throttle: Throttle;
  readonly watchdog: Watchdog;
  readonly metrics: Metrics;
  readonly config: Pick<ApiConfig, "rateLimit" | "maxSubscriptions">;
  /** Set on refusals, too. */
  readonly headersOf: (request: Request, response: Response) => Readonly<Record<string, string>>;
  readonly log: Logger;
}

const refused = (code: ErrorCode, message: string, retryAfterMs?: number): readonly GraphQLError[] => [
  new GraphQLError(message, {
    extensions: { code: ERROR_CODES[code].graphql, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  }),
];

export function createWebSocket(parts: WebSocketParts): Partial<Hooks> {
  const { runtime, access, throttle, watchdog, metrics, config, headersOf, log } = parts;
  const base = getGraphQLWSOptions<Record<string, unknown>, Extra>(runtime, () => ({
    // Plugins look at a request; a socket has none of its own per operation.
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
    if (session === undefined) throw new Error("A message came before its socket was opened");
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
      if (retryAfterMs > 0) return refused("overloaded", tooOften(config.rateLimit), retryAfterMs);
      if (Object.keys(context.subscriptions).length > MAX_OPERATIONS) {
        return refused("overloaded", `This socket has ${MAX_OPERATIONS} operations under way, which is the most`);
      }
      // The id comes back with every event.
      const size = id.length + JSON.stringify(payload).length;
      if (size > MAX_BODY_BYTES) {
        return refused("too_large", `The operation has ${size} characters: accepted are ${MAX_BODY_BYTES}`);
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
    if (pathname !== GRAPHQL_PATH) return problemOf("not_found", `No WebSocket is at ${pathname}`);
    if (sockets >= maxSockets) return problemOf("overloaded", `All ${maxSockets} sockets are taken: try again later`);
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
