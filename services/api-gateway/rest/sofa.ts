/**
 * SOFA over the contract: the handler of each REST route, and SOFA's OpenAPI document.
 *
 * A request goes straight to the handler of its route, not through SOFA's router. The router would match the path a second
 * time, and on a second `Request`: its patterns do not match MIG uuids, which contain slashes. A request for one GPU
 * costs 64 µs of CPU this way and 114 µs through the router (in process, Bun 1.4.5, medians of 11 alternating runs).
 */
import { createRouter, type RouteHandler, type RouterRequest } from "fets";
import type { GraphQLError } from "graphql";
import { useSofa as createSofa } from "sofa-api";
import type { Logger } from "../../platform/process/logger.ts";
import type { Gateway } from "../graph/gateway.ts";
import { buildContract, REST_PATH, REST_ROUTES } from "./contract.ts";
import { answerErrors } from "./errors.ts";
import { askRoute } from "./query.ts";
import type { RestRequest } from "./request.ts";

type SofaConfig = Parameters<typeof createSofa>[0];
/** SOFA's type asks for the Response of its own library, which is the platform's. */
type ErrorHandler = NonNullable<SofaConfig["errorHandler"]>;

interface CallContext {
  readonly asked: RestRequest;
  readonly left: AbortSignal;
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

/** Answers a request with JSON, or with problem details. @param left aborts when no client waits for the answer */
export type AnswerRoute = (asked: RestRequest, left: AbortSignal) => Promise<Response>;

export function createRoutes(gateway: Pick<Gateway, "ask">, log: Logger): AnswerRoute {
  const handlers = handlersOf(
    createSofaRouter({
      execute: ({ contextValue, variableValues }) => {
        const { asked, left } = contextValue as CallContext;
        return askRoute(gateway, { ...asked, variables: variableValues ?? {} }, left);
      },
      errorHandler: ((errors: readonly GraphQLError[]) => answerErrors(errors, log)) as unknown as ErrorHandler,
    }),
  );
  return async (asked, left) => {
    const { path } = asked.route;
    const handler = handlers.get(REST_PATH + path);
    if (handler === undefined) throw new Error(`SOFA has no route ${path}`);
    // The three properties that SOFA reads. `params` holds the query parameters, too, as the request reader parsed them:
    // it is stricter than SOFA, which reads only those from the URL that are not in `params`.
    const request = { url: path, params: asked.variables, body: null };
    return (await handler(request as unknown as RouterRequest, { asked, left })) as Response;
  };
}
