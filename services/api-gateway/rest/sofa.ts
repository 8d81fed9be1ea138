/**
 * SOFA over the contract: the handler of each REST route, and SOFA's OpenAPI document.
 *
 * A request goes straight to the handler of its route, not through SOFA's router. The router would match the path
 * again, and would need a second `Request` for it: its patterns do not match MIG uuids, which may contain slashes. A
 * request for one GPU costs 64 µs of CPU this way and 114 µs through the router (in process, Bun 1.4.5, medians of 11
 * runs).
 */
import { createRouter, type RouteHandler, type RouterRequest } from "fets";
import type { GraphQLError } from "graphql";
import { useSofa as createSofa } from "sofa-api";
import type { Logger } from "../../platform/process/logger.ts";
import type { Gateway } from "../graph/gateway.ts";
import { buildContract, REST_PATH, REST_ROUTES } from "./contract.ts";
import { answerErrors } from "./errors.ts";
import { runQuery } from "./query.ts";
import type { RestCall } from "./request.ts";

type SofaConfig = Parameters<typeof createSofa>[0];
/** SOFA's type wants the `Response` of its own library, which at run time is the one of Bun and Deno. */
type ErrorHandler = NonNullable<SofaConfig["errorHandler"]>;

interface CallContext {
  readonly call: RestCall;
  readonly signal: AbortSignal;
}

/** A router over the contract, with the OpenAPI document as SOFA writes it. */
export const createSofaRouter = (answer: Pick<SofaConfig, "execute" | "errorHandler"> = {}) =>
  createSofa({
    basePath: REST_PATH,
    schema: buildContract(),
    customScalars: { DateTime: { type: "string", format: "date-time" } },
    routes: Object.fromEntries(REST_ROUTES.map(({ field, path }) => [`Query.${field}`, { path }])),
    swaggerUI: { endpoint: false },
    ...answer,
  });

/**
 * The handlers of SOFA's GET routes, by path. SOFA's router is a feTS router: mounted on another one, it shows that
 * router's plugins each of its routes. SOFA's webhook routes, which call a URL of the caller's choice, are POST and
 * DELETE.
 */
function handlersOf(sofa: ReturnType<typeof createSofaRouter>): ReadonlyMap<string, RouteHandler<CallContext>> {
  const handlers = new Map<string, RouteHandler<CallContext>>();
  createRouter<CallContext, Record<string, never>>({
    openAPI: { endpoint: false },
    swaggerUI: { endpoint: false },
    landingPage: false,
    plugins: [
      {
        onRoute: ({ route }) => {
          if (route.method === "GET") handlers.set(route.path, route.handler);
        },
      },
    ],
  }).use(sofa);
  return handlers;
}

/** Answers a call with JSON, or with problem details. @param signal aborts when no client waits for the answer */
export type AnswerCall = (call: RestCall, signal: AbortSignal) => Promise<Response>;

export function createRoutes(gateway: Pick<Gateway, "ask">, log: Logger): AnswerCall {
  const handlers = handlersOf(
    createSofaRouter({
      execute: ({ contextValue, variableValues }) => {
        const { call, signal } = contextValue as CallContext;
        return runQuery(gateway, { ...call, variables: variableValues ?? {} }, signal);
      },
      errorHandler: ((errors: readonly GraphQLError[]) => answerErrors(errors, log)) as unknown as ErrorHandler,
    }),
  );
  return async (call, signal) => {
    const { path } = call.route;
    const handler = handlers.get(REST_PATH + path);
    if (handler === undefined) throw new Error(`SOFA has no route ${path}`);
    // SOFA reads these three properties, and reads a parameter from the URL only if `params` does not have it. All of
    // them are in `params`: they have been parsed more strictly than SOFA parses them.
    const request = { url: path, params: call.variables, body: null };
    return (await handler(request as unknown as RouterRequest, { call, signal })) as Response;
  };
}
