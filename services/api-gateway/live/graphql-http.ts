/** GraphQL over HTTP and SSE: guards each request, then hands it to the gateway. */
import type { GatewayRuntime } from "@graphql-hive/gateway-runtime";
import { shown } from "../../../schema/model/shown.ts";
import { Answer } from "../../platform/graphql/answer.ts";
import { limitBody, refusalOf, refuseGraphql } from "../../platform/graphql/limits.ts";
import { RowLists } from "../../platform/graphql/row-lists.ts";
import { isWhole } from "../../platform/graphql/server.ts";
import { pacedBody, pacedBytes, pacedStream } from "../../platform/http/paced-body.ts";
import { methodNotAllowed, problem } from "../../platform/http/problem.ts";
import type { Turns } from "../../platform/process/turns.ts";
import type { Access } from "../edge/access.ts";
import { MAX_BODY_BYTES } from "../edge/graphql-endpoint.ts";
import { firstAnswer, type Guard } from "../edge/guards.ts";
import type { Throttle } from "../edge/throttle.ts";
import { guardEvents, isEventStream } from "./event-stream.ts";
import { expandStream } from "./expanded-stream.ts";
import type { Watchdog } from "./watchdog.ts";

const origin = (access: Access): Guard => ({
  name: "origin",
  check(request) {
    const detail = access.refusalOf(request);
    return detail === null ? null : problem({ status: 403, title: "Forbidden", detail });
  },
});

const method: Guard = {
  name: "method",
  check: ({ method }) => (method === "GET" || method === "POST" ? null : methodNotAllowed(method, "GET, POST")),
};

/**
 * Refuses POST requests whose body is not JSON. Pages of other sites can make a browser POST text and forms without a
 * preflight. JSON needs a preflight, which only origins in CORS_ORIGINS pass.
 */
const contentType: Guard = {
  name: "content type",
  check({ method, headers }) {
    const type = headers.get("content-type") ?? "";
    if (method !== "POST" || /^application\/json\s*(;|$)/i.test(type)) return null;
    return problem({
      status: 415,
      title: "Unsupported media type",
      detail: `The content type must be application/json, got ${shown(type)}`,
      headers: { "accept-post": "application/json" },
    });
  },
};

/** Refuses a query whose `variables` or `extensions` parameter is not JSON. */
const parameters: Guard = {
  name: "parameters",
  check({ method }, { searchParams }) {
    if (method !== "GET") return null;
    for (const name of ["variables", "extensions"]) {
      const text = searchParams.get(name) ?? "";
      try {
        if (text !== "") JSON.parse(text);
      } catch {
        return refuseGraphql("invalid", `${name} must be a JSON object, got ${shown(text)}`);
      }
    }
    return null;
  },
};

export interface GraphqlHttpParts {
  readonly runtime: GatewayRuntime;
  readonly access: Access;
  readonly watchdog: Watchdog;
  /** The turns in which operations begin. */
  readonly turns: Turns;
  readonly clientOf: Throttle["clientOf"];
}

export function createGraphqlHttp({ runtime, access, watchdog, turns, clientOf }: GraphqlHttpParts) {
  const guards = [origin(access), method, contentType, parameters];
  return async (request: Request, url: URL): Promise<Response> => {
    const refusal = await firstAnswer(guards, request, url);
    if (refusal !== null) return refusal;
    const client = clientOf(request);
    const rows = new RowLists();
    const answer = new Answer({ rows, client });
    const paced = { clock: watchdog.clock, onEnd: () => answer[Symbol.dispose]() };
    const response = await limitBody(request, MAX_BODY_BYTES, async (bounded) => {
      const refusal = await refusalOf(turns.enter(client));
      return refusal ?? runtime.fetch(bounded, { client, answer });
    });
    answer.made();
    if (isEventStream(response)) {
      // The events of a subscription have no lists.
      const events = rows.isEmpty ? response : expandStream(response, rows);
      return guardEvents(events, watchdog, paced.onEnd);
    }
    if (!isWhole(response)) return pacedStream(expandStream(response, rows), paced);
    const body = rows.isEmpty
      ? pacedBytes(new Uint8Array(await response.arrayBuffer()), paced)
      : pacedBody(rows.expand(await response.text()), paced);
    return new Response(body, response);
  };
}
