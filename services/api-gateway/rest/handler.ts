/** REST over the graph: SOFA routes the contract, prepared queries answer it. */
import type { GraphQLError } from "graphql";
import { useSofa as createSofa } from "sofa-api";
import { methodNotAllowed, problemOf } from "../../platform/http/problem.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Gateway } from "../graph/gateway.ts";
import { buildContract, mediaOf, REST_PATH, REST_ROUTES } from "./contract.ts";
import { answerErrors, notAcceptable } from "./errors.ts";
import { createExport } from "./export.ts";
import { chooseMedia } from "./negotiation.ts";
import { askRoute } from "./query.ts";
import { keepRecent } from "./recent-answers.ts";
import { answerWith, type Representation, represent } from "./representation.ts";
import { createRequestReader, type RestRequest } from "./request.ts";
import { JSON_MEDIA } from "./rows.ts";

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

export interface RestParts {
  readonly log: Logger;
  readonly clock: Clock;
}

/** Answers every request below `REST_PATH`; expected failures are problem details. */
export function createRest(
  gateway: Pick<Gateway, "ask">,
  { log, clock }: RestParts,
): (request: Request) => Promise<Response> {
  const read = createRequestReader(buildContract());
  const recent = keepRecent(clock);
  const exportRows = createExport(gateway, { log, clock });
  const sofa = createSofaRouter({
    execute: ({ contextValue }) => {
      // Parameters were read already, more strictly than SOFA reads them.
      const { asked, left } = contextValue as { asked: RestRequest; left: AbortSignal };
      return askRoute(gateway, asked, left);
    },
    errorHandler: ((errors: readonly GraphQLError[]) => answerErrors(errors, log)) as unknown as ErrorHandler,
  });

  async function asJson(asked: RestRequest, left: AbortSignal): Promise<Representation | Response> {
    const { route, uuid } = asked;
    const path = uuid === null ? route.path : route.path.replace(":uuid", () => encodeURIComponent(uuid));
    const response = await sofa.fetch(new Request(`http://rest.local${REST_PATH}${path}`), { asked, left });
    return response.status === 200 ? represent(new Uint8Array(await response.arrayBuffer()), JSON_MEDIA) : response;
  }

  return async (request) => {
    const url = new URL(request.url);
    const asked = read(url);
    if (asked === null) return problemOf("not_found", `Nothing is at ${url.pathname}: see /openapi.json`);
    // SOFA also registers routes that take other methods and call a URL of the caller's choice.
    if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed(request.method, "GET, HEAD");
    if (!asked.ok) return problemOf("invalid", asked.error);
    const { route } = asked.value;
    const accept = request.headers.get("accept");
    const media = chooseMedia(accept, mediaOf(route));
    if (media === null) return notAcceptable(accept, mediaOf(route));
    const make = (left: AbortSignal) => asJson(asked.value, left);
    let answer: Representation | Response;
    if (media !== JSON_MEDIA) answer = await exportRows(asked.value, media, request);
    else
      answer = route.recent
        ? await recent(url.pathname + url.search, make, request.signal)
        : await make(request.signal);
    return answer instanceof Response ? answer : await answerWith(answer, request.headers);
  };
}
