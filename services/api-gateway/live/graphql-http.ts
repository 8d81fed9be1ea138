/** GraphQL over HTTP and SSE: what a request must be before the gateway reads it. */
import type { GatewayRuntime } from "@graphql-hive/gateway-runtime";
import { limitBody, refuseGraphql } from "../../platform/graphql/limits.ts";
import { methodNotAllowed, problem } from "../../platform/http/problem.ts";
import { shown } from "../../platform/process/shown.ts";
import type { Access } from "../edge/access.ts";
import { MAX_BODY_BYTES } from "../edge/graphql-endpoint.ts";
import { guardEvents, isEventStream } from "./event-stream.ts";
import type { Watchdog } from "./watchdog.ts";

/**
 * A page of another site can make a browser POST text and forms without asking first, but not JSON: that takes a
 * preflight, which CORS_ORIGINS answers for.
 */
const isJsonType = (contentType: string | null): boolean => /^application\/json\s*(;|$)/i.test(contentType ?? "");

/** Null, or what of a query's address is no JSON, though it should be. */
function unreadableOf({ searchParams }: URL): string | null {
  for (const name of ["variables", "extensions"]) {
    const text = searchParams.get(name) ?? "";
    try {
      if (text !== "") JSON.parse(text);
    } catch {
      return `${name} is ${shown(text)}: accepted is an object as JSON`;
    }
  }
  return null;
}

export interface GraphqlHttpParts {
  readonly runtime: GatewayRuntime;
  readonly access: Access;
  readonly watchdog: Watchdog;
}

export function createGraphqlHttp({ runtime, access, watchdog }: GraphqlHttpParts) {
  return async (request: Request): Promise<Response> => {
    const refusal = access.refusalOf(request);
    if (refusal !== null) return problem({ status: 403, title: "Forbidden", detail: refusal });
    if (request.method !== "GET" && request.method !== "POST") return methodNotAllowed(request.method, "GET, POST");
    const type = request.headers.get("content-type");
    if (request.method === "POST" && !isJsonType(type)) {
      const detail = `The content type is ${shown(type ?? "")}: accepted is application/json`;
      return problem({
        status: 415,
        title: "Unsupported media type",
        detail,
        headers: { "accept-post": "application/json" },
      });
    }
    const unreadable = request.method === "GET" ? unreadableOf(new URL(request.url)) : null;
    if (unreadable !== null) return refuseGraphql("invalid", unreadable);
    const response = await limitBody(request, MAX_BODY_BYTES, (bounded) => runtime.fetch(bounded, {}));
    return isEventStream(response) ? guardEvents(response, watchdog) : response;
  };
}
