/** REST over the graph: SOFA routes the contract, prepared queries answer it. */
import { GraphQLError } from "graphql";
import { useSofa as createSofa } from "sofa-api";
import { ERROR_CODES, type ErrorCode } from "../../schema/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { methodNotAllowed, problemOf } from "../platform/problem.ts";
import type { Gateway } from "./gateway.ts";
import { keepRecent } from "./recent-answers.ts";
import { buildContract, REST_PATH, REST_ROUTES } from "./rest-contract.ts";
import { createRequestReader, type RestRequest } from "./rest-request.ts";

const CODE_OF = new Map<unknown, ErrorCode>(
  Object.entries(ERROR_CODES).map(([code, { graphql }]) => [graphql, code as ErrorCode]),
);

/** Arguments have camelCase names in the graph, and messages name them. */
const inSnakeCase = (message: string): string =>
  message.replace(/\b(startTime|endTime)\b/g, (name) => (name === "startTime" ? "start_time" : "end_time"));

function answerErrors(errors: readonly GraphQLError[], log: Logger): Response {
  const error = errors[0];
  const code = CODE_OF.get(error?.extensions?.code);
  if (error === undefined || code === undefined || code === "internal") {
    if (code === undefined) log.error("REST query failed", { error });
    return problemOf("internal", "Something is wrong on our side; the log says what");
  }
  const { retryAfterMs } = error.extensions;
  return problemOf(code, inSnakeCase(error.message), {
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
  });
}

type SofaConfig = Parameters<typeof createSofa>[0];
/** SOFA's type asks for the Response of its own library, which is the platform's. */
type ErrorHandler = NonNullable<SofaConfig["errorHandler"]>;

/** SOFA over the contract: its routes and its OpenAPI document as they come. */
export const createSofaRouter = (answer: Pick<SofaConfig, "execute" | "errorHandler"> = {}) =>
  createSofa({
    basePath: REST_PATH,
    schema: buildContract(),
    customScalars: { DateTime: { type: "string", format: "date-time" } },
    routes: Object.fromEntries(REST_ROUTES.map(({ field, path }) => [`Query.${field}`, { path }])),
    swaggerUI: { endpoint: false },
    ...answer,
  });

/** Answers every request below `REST_PATH`; expected failures are problem details. */
export function createRest(gateway: Pick<Gateway, "ask">, log: Logger): (request: Request) => Promise<Response> {
  const read = createRequestReader(buildContract());
  const recent = keepRecent();
  const sofa = createSofaRouter({
    async execute({ contextValue }) {
      // Parameters were read already, more strictly than SOFA reads them.
      const { asked, left } = contextValue as { asked: RestRequest; left: AbortSignal };
      const { route, variables, uuid } = asked;
      const result = await gateway.ask(route.subgraph, route.query, { variables, left });
      if (result.errors === undefined && result.data?.[route.field] == null) {
        const message = `No GPU has uuid ${JSON.stringify(uuid)}`;
        return { errors: [new GraphQLError(message, { extensions: { code: ERROR_CODES.not_found.graphql } })] };
      }
      return result;
    },
    errorHandler: ((errors: readonly GraphQLError[]) => answerErrors(errors, log)) as unknown as ErrorHandler,
  });

  return async (request) => {
    const url = new URL(request.url);
    const asked = read(url);
    if (asked === null) return problemOf("not_found", `Nothing is at ${url.pathname}: see /openapi.json`);
    // SOFA also registers routes that take other methods and call a URL of the caller's choice.
    if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed(request.method, "GET, HEAD");
    if (!asked.ok) return problemOf("invalid", asked.error);
    const { route, uuid } = asked.value;
    const path = uuid === null ? route.path : route.path.replace(":uuid", () => encodeURIComponent(uuid));
    const answer = async (): Promise<Response> =>
      sofa.fetch(new Request(`http://rest.local${REST_PATH}${path}`), { asked: asked.value, left: request.signal });
    const response = route.recent ? await recent(url.pathname + url.search, answer) : await answer();
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
}
