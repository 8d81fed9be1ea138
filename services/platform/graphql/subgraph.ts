/** What every subgraph shares: its builder with scalars, its context, and how its errors reach a caller. */
import SchemaBuilder from "@pothos/core";
import DirectivesPlugin from "@pothos/plugin-directives";
import FederationPlugin from "@pothos/plugin-federation";
import { GraphQLError } from "graphql";
import { ERROR_CODES, isAppError } from "../../../schema/model/errors.ts";
import { formatTimestamp } from "../../../schema/model/timestamp.ts";
import { AWAY, logAway } from "../process/away-log.ts";
import type { Logger } from "../process/logger.ts";
import { oncePerKey } from "../process/once-per-key.ts";

/** One object per request: data loaders and limits live as long as it does. */
export interface SubgraphContext {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** A subscription that the caller had before and lost: something may have been missed in between. */
  readonly resumed?: boolean | undefined;
  /** A subscription that is to end when it has told what there is now. */
  readonly snapshot?: boolean | undefined;
}

interface SubgraphTypes {
  DefaultFieldNullability: false;
  Context: SubgraphContext;
  Scalars: {
    /** In: whatever the caller wrote, read by the resolver, whose message can name the argument. Out: ms. */
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
    description: "RFC 3339 time. Answers are UTC, whole seconds without a fraction (2025-07-18T20:42:34Z), else ms.",
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

/**
 * The error as a caller may see it: an AppError's message and code, and what graphql-js itself says of a request. What
 * is away and why, and anything else, is masked, and logged for the operator.
 */
export function exposeError(error: unknown, log: Logger): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const cause = located?.originalError ?? error;
  const place = { nodes: located?.nodes ?? null, path: located?.path ?? null };
  if (isAppError(cause) && cause.code !== "internal") {
    const isAway = cause.code === "unavailable";
    if (isAway) logAway(log, cause);
    return new GraphQLError(isAway ? AWAY : cause.message, {
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
      // A gateway knows where in its own answer a subgraph's error belongs.
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
