/** Errors as the queue's clients read them: problem details that also say the AppError's code and wait. */
import type { AppError } from "../../schema/model/errors.ts";
import { problemOf } from "../platform/http/problem.ts";

export const problemOfError = ({ code, message, retryAfterMs }: AppError): Response =>
  problemOf(code, message, {
    retryAfterMs,
    members: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  });
