/** Errors as the queue's clients read them: problem details that also say the AppError's code and wait. */
import { type AppError, ERROR_CODES } from "../../schema/errors.ts";
import { problem } from "../platform/problem.ts";

export const retryAfterSeconds = (ms = 1000): string => String(Math.ceil(ms / 1000));

export function problemOf({ code, message, retryAfterMs }: AppError): Response {
  const { status, title } = ERROR_CODES[code];
  const waits = code === "overloaded" || code === "unavailable";
  return problem({
    status,
    title,
    detail: message,
    headers: waits ? { "retry-after": retryAfterSeconds(retryAfterMs) } : {},
    members: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  });
}
