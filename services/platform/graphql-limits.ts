/** What one GraphQL operation may cost a server: bytes of its request, and time. */
import { GraphQLError } from "graphql";
import { ERROR_CODES, type ErrorCode } from "../../schema/errors.ts";
import { withBoundedBody } from "./bounded-body.ts";

/** An answer in GraphQL's form to a request that is not read as far as its query. */
export function refuseGraphql(
  code: ErrorCode,
  message: string,
  { retryAfterMs }: { retryAfterMs?: number } = {},
): Response {
  const { status, graphql } = ERROR_CODES[code];
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const headers = retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
  return Response.json({ errors: [{ message, extensions: { code: graphql, ...wait } }] }, { status, headers });
}

const tooLarge = (maxBytes: number): Response =>
  refuseGraphql("too_large", `The body is larger than accepted: at most ${maxBytes.toLocaleString("en-US")} bytes`);

/** `answer` gets the request when its body is not too large; the refusal has GraphQL's form. */
export async function limitBody(
  request: Request,
  maxBytes: number,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<Response> {
  const bounded = await withBoundedBody(request, maxBytes);
  return bounded === null ? tooLarge(maxBytes) : answer(bounded);
}

const span = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`);

const unanswered = (message: string) => ({
  errors: [new GraphQLError(message, { extensions: { code: ERROR_CODES.unavailable.graphql } })],
});

/**
 * What `run` gives; or an error once time is up, or the caller has left: then the signal that `run` got aborts, and
 * what still becomes of it is nobody's concern.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  run: (signal: AbortSignal) => T | Promise<T>,
  { left }: { left?: AbortSignal | undefined } = {},
): Promise<T | { errors: GraphQLError[] }> {
  const stop = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<{ errors: GraphQLError[] }>();
  const end = (message: string) => {
    resolve(unanswered(message));
    stop.abort();
  };
  const leave = () => end("The caller left before the answer");
  if (left?.aborted) leave();
  left?.addEventListener("abort", leave);
  const timer = setTimeout(
    () => end(`The query took longer than ${span(timeoutMs)}: ask for less, or raise QUERY_TIMEOUT`),
    timeoutMs,
  );
  try {
    return await Promise.race([stopped, run(stop.signal)]);
  } finally {
    clearTimeout(timer);
    left?.removeEventListener("abort", leave);
  }
}
