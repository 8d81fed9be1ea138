/** Makes HTTP error responses: RFC 9457 problem details. */
import { ERROR_CODES, type ErrorCode } from "../../../schema/model/errors.ts";

export const PROBLEM_MEDIA = "application/problem+json";

interface Problem {
  readonly status: number;
  readonly title: string;
  /** For the caller: the name of the value, the accepted values, and the given one. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members, for programs. */
  readonly members?: Readonly<Record<string, unknown>>;
}

export const problem = ({ status, title, detail, headers, members }: Problem): Response =>
  Response.json(
    { type: "about:blank", title, status, detail, ...members },
    { status, headers: { ...headers, "content-type": PROBLEM_MEDIA, "cache-control": "no-store" } },
  );

/** Converts milliseconds to a `Retry-After` value in whole seconds. Default: one second. */
export const retryAfterSeconds = (ms = 1000): string => String(Math.ceil(ms / 1000));

export function problemOf(
  code: ErrorCode,
  detail: string,
  { retryAfterMs, members }: { retryAfterMs?: number | undefined; members?: Readonly<Record<string, unknown>> } = {},
): Response {
  const { status, title } = ERROR_CODES[code];
  const waits = code === "overloaded" || code === "unavailable";
  const retry = waits ? { "retry-after": retryAfterSeconds(retryAfterMs) } : {};
  return problem({ status, title, detail, headers: retry, ...(members === undefined ? {} : { members }) });
}

export const methodNotAllowed = (method: string, allowed: string): Response =>
  problem({
    status: 405,
    title: "Method not allowed",
    detail: `Method must be ${allowed}, got ${method}`,
    headers: { allow: allowed },
  });
