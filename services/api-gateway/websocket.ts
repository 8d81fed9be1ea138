/** GraphQL over WebSocket (graphql-transport-ws), on one path, for pages and clients that may ask. */
import { type GatewayRuntime, getGraphQLWSOptions } from "@graphql-hive/gateway-runtime";
import type { Hooks } from "crossws";
import { GraphQLError } from "graphql";
import type { ServerOptions } from "graphql-ws";
import { type Extra, makeHooks } from "graphql-ws/use/crossws";
import { ERROR_CODES, type ErrorCode } from "../../schema/errors.ts";
import { exposeError } from "../platform/graphql.ts";
import type { Logger } from "../platform/logger.ts";
import { problem, problemOf } from "../platform/problem.ts";
import { SocketRoom } from "../platform/socket-room.ts";
import { type Access, bearerOf } from "./access.ts";
import type { ApiConfig } from "./config.ts";
import { GRAPHQL_PATH } from "./gateway.ts";
import { MAX_BODY_BYTES } from "./graphql-limits.ts";
import { type Throttle, tooOften } from "./throttle.ts";

type Options = ServerOptions<Record<string, unknown> | undefined, Extra>;

export interface WebSocketParts {
  readonly runtime: GatewayRuntime;
  readonly access: Access;
  readonly throttle: Throttle;
  readonly config: Pick<ApiConfig, "rateLimit">;
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
  const { runtime, access, throttle, config, headersOf, log } = parts;
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
  const rooms = new WeakMap<object, SocketRoom>();
  const clients = new WeakMap<object, string>();
  const options: Options = {
    ...(base as Options),
    ...(base.execute === undefined ? {} : { execute: guarded(base.execute as NonNullable<Options["execute"]>) }),
    ...(base.subscribe === undefined ? {} : { subscribe: guarded(base.subscribe as NonNullable<Options["execute"]>) }),
    // The next frame is not pulled before this one had room: the live feed conflates for a slow reader.
    onNext: ({ extra }) => rooms.get(extra.socket)?.wait(),
    onConnect: ({ connectionParams }) => access.allowsBearer(bearerOf(connectionParams)),
    async onSubscribe(context, id, payload) {
      const retryAfterMs = throttle.waitMs(clients.get(context.extra.socket) ?? "", "websocket");
      if (retryAfterMs > 0) return refused("overloaded", tooOften(config.rateLimit), retryAfterMs);
      const size = JSON.stringify(payload).length;
      if (size > MAX_BODY_BYTES) {
        return refused("too_large", `The operation has ${size} characters: accepted are ${MAX_BODY_BYTES}`);
      }
      return (base as Options).onSubscribe?.(context, id, payload);
    },
  };
  const hooks = makeHooks(options);
  function refuse(request: Request): Response | null {
    const { pathname } = new URL(request.url);
    const retryAfterMs = throttle.waitMs(throttle.clientOf(request), "http");
    if (retryAfterMs > 0) return problemOf("overloaded", tooOften(config.rateLimit), { retryAfterMs });
    if (pathname !== GRAPHQL_PATH) return problemOf("not_found", `No WebSocket is at ${pathname}`);
    const detail = access.misdirectionOf(request) ?? access.refusalOf(request);
    return detail === null ? null : problem({ status: 403, title: "Forbidden", detail });
  }
  return {
    ...hooks,
    open(peer) {
      rooms.set(peer.websocket, new SocketRoom(peer));
      clients.set(peer.websocket, throttle.clientOf({ ip: peer.remoteAddress, headers: peer.request.headers }));
      hooks.open(peer);
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
