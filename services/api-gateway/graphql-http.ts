/** GraphQL over HTTP and SSE: what a request must be before the gateway reads it. */
import type { GatewayRuntime } from "@graphql-hive/gateway-runtime";
import { ERROR_CODES } from "../../schema/errors.ts";
import type { Access } from "./access.ts";
import { MAX_BODY_BYTES } from "./graphql-limits.ts";
import { methodNotAllowed, problem } from "./problem.ts";

function tooLarge(): Response {
  const message = `The body is larger than accepted: at most ${MAX_BODY_BYTES.toLocaleString("en-US")} bytes`;
  const { status, graphql: code } = ERROR_CODES.too_large;
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status });
}

/** The request with its body read, when it has one of unknown length; null: larger than accepted. */
async function withBoundedBody(request: Request): Promise<Request | null> {
  if (request.body === null) return request;
  const length = request.headers.get("content-length");
  // The server holds a client to the length it declares.
  if (length !== null) return Number(length) > MAX_BODY_BYTES ? null : request;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return new Request(request.url, { method: request.method, headers: request.headers, body: Buffer.concat(chunks) });
}

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
    const bounded = await withBoundedBody(request);
    return bounded === null ? tooLarge() : runtime.fetch(bounded, {});
  };
}
