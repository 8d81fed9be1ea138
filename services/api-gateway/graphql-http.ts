/** GraphQL over HTTP and SSE: what a request must be before the gateway reads it. */
import type { GatewayRuntime } from "@graphql-hive/gateway-runtime";
import { limitBody } from "../platform/graphql-limits.ts";
import { methodNotAllowed, problem } from "../platform/problem.ts";
import type { Access } from "./access.ts";
import { MAX_BODY_BYTES } from "./graphql-limits.ts";

export function createGraphqlHttp(runtime: GatewayRuntime, access: Access): (request: Request) => Promise<Response> {
  return async (request) => {
    if (!access.allowsOrigin(request)) {
      return problem({
        status: 403,
        title: "Forbidden",
        detail: "This origin may not ask: CORS_ORIGINS does not name it",
      });
    }
    if (request.method !== "GET" && request.method !== "POST") return methodNotAllowed(request.method, "GET, POST");
    return limitBody(request, MAX_BODY_BYTES, (bounded) => runtime.fetch(bounded, {}));
  };
}
