/** GraphQL over WebSocket (graphql-transport-ws), on one path, for pages and clients that may ask. */
import { type GatewayRuntime, getGraphQLWSOptions } from "@graphql-hive/gateway-runtime";
import type { Hooks } from "crossws";
import { GraphQLError } from "graphql";
import type { ServerOptions } from "graphql-ws";
import { type Extra, makeHooks } from "graphql-ws/use/crossws";
import { ERROR_CODES } from "../../schema/errors.ts";
import { exposeError } from "../platform/graphql.ts";
import type { Logger } from "../platform/logger.ts";
import { problem, problemOf } from "../platform/problem.ts";
import { SocketRoom } from "../platform/socket-room.ts";
import type { Access } from "./access.ts";
import { GRAPHQL_PATH } from "./gateway.ts";
import { MAX_BODY_BYTES } from "./graphql-limits.ts";

type Options = ServerOptions<Record<string, unknown> | undefined, Extra>;

export function createWebSocket(runtime: GatewayRuntime, access: Access, log: Logger): Partial<Hooks> {
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
  const options: Options = {
    ...(base as Options),
    ...(base.execute === undefined ? {} : { execute: guarded(base.execute as NonNullable<Options["execute"]>) }),
    ...(base.subscribe === undefined ? {} : { subscribe: guarded(base.subscribe as NonNullable<Options["execute"]>) }),
    // The next frame is not pulled before this one had room: the live feed conflates for a slow reader.
    onNext: ({ extra }) => rooms.get(extra.socket)?.wait(),
    onConnect: ({ connectionParams }) => access.allowsBearer(String(connectionParams?.authorization ?? "")),
    async onSubscribe(context, id, payload) {
      if (payload.query.length > MAX_BODY_BYTES) {
        const message = `The query has ${payload.query.length} characters: accepted are ${MAX_BODY_BYTES}`;
        return [new GraphQLError(message, { extensions: { code: ERROR_CODES.too_large.graphql } })];
      }
      return (base as Options).onSubscribe?.(context, id, payload);
    },
  };
  const hooks = makeHooks(options);
  return {
    ...hooks,
    open(peer) {
      rooms.set(peer.websocket, new SocketRoom(peer));
      hooks.open(peer);
    },
    upgrade(request) {
      const { pathname } = new URL(request.url);
      if (pathname !== GRAPHQL_PATH) return problemOf("not_found", `No WebSocket is at ${pathname}`);
      if (access.allowsOrigin(request as Request)) return hooks.upgrade(request);
      return problem({
        status: 403,
        title: "Forbidden",
        detail: "This origin may not ask: CORS_ORIGINS does not name it",
      });
    },
  };
}
