/** Errors of the queue's API: problem details with the members `code` and, where there is one, `retryAfterMs`. */
import type { AppError } from "../../schema/model/errors.ts";
import { problemOf } from "../platform/http/problem.ts";

export const problemOfError = ({ code, message, retryAfterMs }: AppError): Response =>
  problemOf(code, message, {
    retryAfterMs,
    members: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  });
