/**
 * SOFA over the contract: the handler of each REST route, and SOFA's OpenAPI document.
 *
 * A request goes straight to the handler of its route, not through SOFA's router. The router would match the path
 * again, and would need a rewritten `Request`, because its patterns do not match MIG uuids, which may contain slashes.
 * A request for one GPU costs 64 µs of CPU without the router and 114 µs through it (in process, Bun 1.4.5, medians of
 * 11 runs).
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
/** SOFA's type requires the `Response` of SOFA's own library. At run time that is the `Response` of Bun or Deno. */
type ErrorHandler = NonNullable<SofaConfig["errorHandler"]>;

interface CallContext {
  readonly call: RestCall;
  readonly signal: AbortSignal;
}

/** Returns SOFA's router for the contract. It holds the OpenAPI document that SOFA generates. */
export const createSofaRouter = (answer: Pick<SofaConfig, "execute" | "errorHandler"> = {}) =>
  createSofa({
    basePath: REST_PATH,
    schema: buildContract(),
    customScalars: {
      DateTime: { type: "string", format: "date-time" },
      Moment: { type: "string", examples: ["2025-07-18T20:42:34Z", "1752871354", "now-1h"] },
    },
    routes: Object.fromEntries(REST_ROUTES.map(({ field, path }) => [`Query.${field}`, { path }])),
    swaggerUI: { endpoint: false },
    ...answer,
  });

/**
 * Returns the handlers of SOFA's GET routes, by path. SOFA's router is a feTS router: when it is mounted on another
 * router, that router's plugins are called with each route. POST and DELETE routes are left out: they are SOFA's
 * webhooks, which call any URL that the caller chooses.
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
    // SOFA reads only these three properties. It would read a parameter from the URL if `params` did not have it, but
    // `params` has all of them, parsed more strictly than SOFA would.
    const request = { url: path, params: call.variables, body: null };
    return (await handler(request as unknown as RouterRequest, { call, signal })) as Response;
  };
}
