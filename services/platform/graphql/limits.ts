/** Limits of one GraphQL operation: the size of its request, and its time. */
import type { GraphQLError } from "graphql";
import { ERROR_CODES, type ErrorCode, isAppError } from "../../../schema/model/errors.ts";
import { withBoundedBody } from "../http/bounded-body.ts";
import { retryAfterSeconds } from "../http/problem.ts";
import { graphqlError } from "./errors.ts";

/** An error response in GraphQL's form, for a request that is refused before its query is read. */
export function refuseGraphql(
  code: ErrorCode,
  message: string,
  { retryAfterMs }: { retryAfterMs?: number | undefined } = {},
): Response {
  const { status, graphql } = ERROR_CODES[code];
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const headers = retryAfterMs === undefined ? {} : { "retry-after": retryAfterSeconds(retryAfterMs) };
  return Response.json({ errors: [{ message, extensions: { code: graphql, ...wait } }] }, { status, headers });
}

/** The error response of work that was not admitted; null: it was. @throws what is not an AppError */
export async function refusalOf(admitted: Promise<unknown>): Promise<Response | null> {
  try {
    await admitted;
    return null;
  } catch (error) {
    if (isAppError(error)) return refuseGraphql(error.code, error.message, error);
    throw error;
  }
}

const tooLarge = (maxBytes: number): Response =>
  refuseGraphql("too_large", `The body must be at most ${maxBytes.toLocaleString("en-US")} bytes`);

/** Passes the request to `answer` if its body arrives in time and is small enough; else returns a GraphQL error. */
export async function limitBody(
  request: Request,
  maxBytes: number,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<Response> {
  let bounded: Request | null;
  try {
    bounded = await withBoundedBody(request, maxBytes);
  } catch (error) {
    if (isAppError(error)) return refuseGraphql(error.code, error.message);
    return refuseGraphql("invalid", "The body ended before it was complete");
  }
  return bounded === null ? tooLarge(maxBytes) : answer(bounded);
}

const span = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`);

const unanswered = (message: string) => ({
  errors: [graphqlError("unavailable", message)],
});

const isParts = (result: unknown): result is AsyncIterable<unknown> =>
  typeof result === "object" && result !== null && Symbol.asyncIterator in result;

/** Yields the parts of an incremental answer. When `stopped` resolves, yields its errors as the last part. */
function untilStopped(
  parts: AsyncIterable<unknown>,
  { stopped, end }: { stopped: Promise<{ errors: GraphQLError[] }>; end: () => void },
): AsyncIterableIterator<unknown> {
  const iterator = parts[Symbol.asyncIterator]();
  const over: IteratorResult<unknown> = { done: true, value: undefined };
  let ended = false;
  const finish = () => {
    ended = true;
    end();
    return over;
  };
  return {
    async next() {
      if (ended) return over;
      try {
        const part = await Promise.race([stopped, iterator.next()]);
        if (!("errors" in part)) return part.done ? finish() : part;
        finish();
        iterator.return?.().catch(() => {});
        // Only the planner knows which fragments are missing, so the part has an empty path.
        return { done: false, value: { incremental: [{ data: {}, path: [], errors: part.errors }], hasNext: false } };
      } catch (error) {
        finish();
        throw error;
      }
    },
    async return() {
      finish();
      iterator.return?.().catch(() => {});
      return over;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * Returns the result of `run`. After `timeoutMs`, or when the caller disconnects, aborts the signal of `run`, ignores
 * its outcome, and returns an error instead. For an incremental answer, the time limit includes the last part.
 * @param options.left aborts when the caller disconnects
 */
export async function withDeadline<T>(
  timeoutMs: number,
  run: (signal: AbortSignal) => T | Promise<T>,
  { left }: { left?: AbortSignal | undefined } = {},
): Promise<T | { errors: GraphQLError[] }> {
  const stop = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<{ errors: GraphQLError[] }>();
  const give = (message: string) => {
    resolve(unanswered(message));
    stop.abort();
  };
  const leave = () => give("The caller disconnected before the answer");
  if (left?.aborted) leave();
  left?.addEventListener("abort", leave);
  const timer = setTimeout(
    () => give(`The query took longer than ${span(timeoutMs)}: ask for less, or raise QUERY_TIMEOUT`),
    timeoutMs,
  );
  const end = () => {
    clearTimeout(timer);
    left?.removeEventListener("abort", leave);
  };
  try {
    const result = await Promise.race([stopped, run(stop.signal)]);
    if (isParts(result)) {
      // A reader that returns early has disconnected.
      const close = () => {
        end();
        stop.abort();
      };
      return untilStopped(result, { stopped, end: close }) as T;
    }
    end();
    return result;
  } catch (error) {
    end();
    throw error;
  }
}
