/** Turns errors of a query into problem details. */
import type { GraphQLFormattedError } from "graphql";
import { ERROR_CODES, type ErrorCode } from "../../../schema/model/errors.ts";
import { shown } from "../../../schema/model/shown.ts";
import { problem, problemOf } from "../../platform/http/problem.ts";
import type { Logger } from "../../platform/process/logger.ts";

const CODE_OF = new Map<unknown, ErrorCode>(
  Object.entries(ERROR_CODES).map(([code, { graphql }]) => [graphql, code as ErrorCode]),
);

/** Replaces the names that GraphQL's messages give to arguments with the names in the REST contract. */
const inRestNames = (message: string): string =>
  message
    .replace(/^metrics\b/, "metric")
    .replace(/\b(startTime|endTime|seenWithin)\b/g, (name) =>
      name.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`),
    );

/** Returns the first error as problem details. An error without a known code is logged, and its message is hidden. */
export function answerErrors(
  errors: readonly Pick<GraphQLFormattedError, "message" | "extensions">[],
  log: Logger,
): Response {
  const error = errors[0];
  const code = CODE_OF.get(error?.extensions?.code);
  if (error === undefined || code === undefined || code === "internal") {
    if (code === undefined) log.error("REST query failed", { error });
    return problemOf("internal", "Internal error: see the log of the service");
  }
  const retryAfterMs = error.extensions?.retryAfterMs;
  return problemOf(code, inRestNames(error.message), {
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
  });
}

export const notAcceptable = (accept: string | null, offered: readonly string[]): Response =>
  problem({
    status: 406,
    title: "Not acceptable",
    detail: `Accept must allow ${offered.join(" or ")}, got ${shown(accept)}`,
    headers: { vary: "Accept" },
  });
