/** What all subgraphs share: the schema builder with its scalars, the request context, and the masking of errors. */
import SchemaBuilder from "@pothos/core";
import DirectivesPlugin from "@pothos/plugin-directives";
import FederationPlugin from "@pothos/plugin-federation";
import { GraphQLError } from "graphql";
import { ERROR_CODES, isAppError } from "../../../schema/model/errors.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import type { Clock } from "../process/clock.ts";
import type { Logger } from "../process/logger.ts";
import { oncePerKey } from "../process/once-per-key.ts";
import type { Answer } from "./answer.ts";
import { logUnavailable, UNAVAILABLE } from "./unavailable-log.ts";

/** The context of one request. Data loaders and budgets are stored under this object, and live as long as it does. */
export interface SubgraphContext {
  /** Aborts when the caller no longer waits for the answer. */
  readonly signal?: AbortSignal | undefined;
  /** True if the caller had this subscription before and its connection was cut, so it may have missed readings. */
  readonly resumed?: boolean | undefined;
  /** True if the subscription ends after its snapshot. */
  readonly snapshot?: boolean | undefined;
  /** What the answer holds of the process. Absent for subscriptions, whose frames are small. */
  readonly answer?: Answer | undefined;
}

interface SubgraphTypes {
  DefaultFieldNullability: false;
  Context: SubgraphContext;
  Scalars: {
    /** Input: unparsed, because only the resolver can name the argument in an error. Output: milliseconds. */
    DateTime: { Input: unknown; Output: number };
    Duration: { Input: unknown; Output: string };
    ID: { Input: string; Output: string };
  };
}

export function createSubgraphBuilder() {
  const builder = new SchemaBuilder<SubgraphTypes>({
    plugins: [DirectivesPlugin, FederationPlugin],
    defaultFieldNullability: false,
  });
  builder.scalarType("DateTime", {
    description:
      "RFC 3339 time. Answers are in UTC, with milliseconds unless they are zero (2025-07-18T20:42:34Z). Arguments may " +
      "also be seconds since the epoch (1752871354), or a time before now (now-1h).",
    serialize: (ms) => formatTimestamp(ms),
    parseValue: (value) => value,
  });
  builder.queryType({});
  return builder;
}

export type SubgraphBuilder = ReturnType<typeof createSubgraphBuilder>;

/** Calls `create` at most once per request. */
export const perRequest: <T extends object>(
  create: (context: SubgraphContext) => T,
) => (context: SubgraphContext) => T = oncePerKey;

/** Returns the time of a request: all its fields share one `now`, ms since the epoch. */
export const timeOfRequest = (clock: Pick<Clock, "now">) => perRequest(() => ({ now: clock.now() }));

/**
 * Returns the error that a caller may see. Messages of AppErrors and of graphql-js are kept. The reason of an
 * `unavailable` error, and every other error, are logged for the operator and hidden from the caller.
 */
export function exposeError(error: unknown, log: Logger): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const cause = located?.originalError ?? error;
  const place = { nodes: located?.nodes ?? null, path: located?.path ?? null };
  if (isAppError(cause) && cause.code !== "internal") {
    const isUnavailable = cause.code === "unavailable";
    if (isUnavailable) logUnavailable(log, cause);
    return new GraphQLError(isUnavailable ? UNAVAILABLE : cause.message, {
      ...place,
      extensions: {
        code: ERROR_CODES[cause.code].graphql,
        ...(cause.retryAfterMs === undefined ? {} : { retryAfterMs: cause.retryAfterMs }),
      },
    });
  }
  if (cause instanceof GraphQLError) {
    const code = cause.extensions.code ?? ERROR_CODES.invalid.graphql;
    return new GraphQLError(cause.message, {
      nodes: cause.nodes ?? null,
      source: cause.source ?? null,
      positions: cause.positions ?? null,
      // Only the gateway knows where in its answer the error of a subgraph belongs.
      path: located?.path ?? cause.path ?? null,
      extensions: { ...cause.extensions, code },
    });
  }
  log.error("query failed", { error: cause, path: located?.path?.join(".") });
  return new GraphQLError(ERROR_CODES.internal.title, {
    ...place,
    extensions: { code: ERROR_CODES.internal.graphql },
  });
}
