/** Answers REST requests: each route of the contract has a SOFA handler, which runs the route's prepared query. */
import { methodNotAllowed, problemOf } from "../../platform/http/problem.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Gateway } from "../graph/gateway.ts";
import { buildContract, mediaOf } from "./contract.ts";
import { notAcceptable } from "./errors.ts";
import { createExport } from "./export.ts";
import { chooseMedia } from "./negotiation.ts";
import { keepRecent } from "./recent-answers.ts";
import { answerWith, type Representation, represent } from "./representation.ts";
import { createRequestReader, type RestCall } from "./request.ts";
import { JSON_MEDIA } from "./rows.ts";
import { createRoutes } from "./sofa.ts";

export interface RestParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** The address by which the caller is counted. */
  readonly clientOf: (request: Request) => string;
}

/** Answers requests to `REST_PATH` and below. Expected failures are answered with problem details. */
export function createRest(
  gateway: Pick<Gateway, "ask">,
  { log, clock, clientOf }: RestParts,
): (request: Request) => Promise<Response> {
  const read = createRequestReader(buildContract());
  const recent = keepRecent(clock);
  const exportRows = createExport(gateway, { log, clock, clientOf });
  const answerCall = createRoutes(gateway, log);

  async function asJson(call: RestCall, signal: AbortSignal): Promise<Representation | Response> {
    const response = await answerCall(call, signal);
    return response.status === 200 ? represent(new Uint8Array(await response.arrayBuffer()), JSON_MEDIA) : response;
  }

  return async (request) => {
    const url = new URL(request.url);
    const call = read(url);
    if (call === null) return problemOf("not_found", `Nothing is at ${url.pathname}: see /openapi.json`);
    if (request.method !== "GET" && request.method !== "HEAD") return methodNotAllowed(request.method, "GET, HEAD");
    if (!call.ok) return problemOf("invalid", call.error);
    const { route } = call.value;
    const asked = { ...call.value, client: clientOf(request) };
    const accept = request.headers.get("accept");
    const media = chooseMedia(accept, mediaOf(route));
    if (media === null) return notAcceptable(accept, mediaOf(route));
    const make = (signal: AbortSignal) => asJson(asked, signal);
    let answer: Representation | Response;
    if (media !== JSON_MEDIA) answer = await exportRows(asked, media, request);
    else
      answer = route.recent
        ? await recent(url.pathname + url.search, make, request.signal)
        : await make(request.signal);
    return answer instanceof Response ? answer : await answerWith(answer, request.headers, clock);
  };
}
