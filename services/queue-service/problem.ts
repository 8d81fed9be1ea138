/** Errors of the queue's API: problem details with the member `code` and, if the error has one, `retryAfterMs`. */
import type { AppError } from "../../schema/model/errors.ts";
import { problemOf } from "../platform/http/problem.ts";

export const problemOfError = ({ code, message, retryAfterMs }: AppError): Response =>
  problemOf(code, message, {
    retryAfterMs,
    members: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  });
