/** A subgraph as the gateway asks it: in this process or over the wire, with the same answers and the same errors. */
import type { ExecutionRequest, ExecutionResult, MaybeAsyncIterable } from "@graphql-tools/utils";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import type { Logger } from "../../platform/process/logger.ts";

export type SubgraphRequest = Pick<ExecutionRequest, "document" | "variables" | "operationName" | "operationType">;

/**
 * Never rejects: what goes wrong is a result with errors, each with one of our codes.
 * @param context one object per request of the gateway, however many fetches it takes
 */
export type SubgraphExecutor = (
  request: SubgraphRequest,
  context: SubgraphContext,
) => Promise<MaybeAsyncIterable<ExecutionResult>>;

const KNOWN_CODES: ReadonlySet<unknown> = new Set(Object.values(ERROR_CODES).map(({ graphql }) => graphql));

/** Errors that came over the wire: those in our terms as they are, any other masked and logged. */
export function receiveErrors(
  errors: readonly GraphQLFormattedError[],
  { subgraph, log }: { subgraph: string; log: Logger },
): GraphQLError[] {
  return errors.map(({ message, path, extensions = {} }) => {
    const { code, retryAfterMs } = extensions;
    const place = path === undefined ? {} : { path };
    if (!KNOWN_CODES.has(code)) {
      log.error("subgraph answered out of terms", { subgraph, message, code, path: path?.join(".") });
      const { title, graphql } = ERROR_CODES.internal;
      return new GraphQLError(title, { ...place, extensions: { code: graphql } });
    }
    const wait = typeof retryAfterMs === "number" ? { retryAfterMs } : {};
    return new GraphQLError(message, { ...place, extensions: { code, ...wait } });
  });
}

/** The subgraph cannot be asked now. */
export const subgraphAway = (subgraph: string): { errors: GraphQLError[] } => ({
  errors: [
    new GraphQLError(`Subgraph ${subgraph} is away: try again in a moment`, {
      extensions: { code: ERROR_CODES.unavailable.graphql, retryAfterMs: 1000 },
    }),
  ],
});
