/** The interface of a subgraph: the gateway gets the same results and errors from this process and from another one. */
import type { ExecutionRequest, ExecutionResult, MaybeAsyncIterable } from "@graphql-tools/utils";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";
import { graphqlError } from "../../platform/graphql/errors.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import type { Logger } from "../../platform/process/logger.ts";

export type SubgraphRequest = Pick<ExecutionRequest, "document" | "variables" | "operationName" | "operationType">;

/**
 * Never rejects: a failure becomes a result with errors, each with a code of `ERROR_CODES`.
 * @param context one object per request of the gateway, the same for all calls that the request makes
 */
export type SubgraphExecutor = (
  request: SubgraphRequest,
  context: SubgraphContext,
) => Promise<MaybeAsyncIterable<ExecutionResult>>;

const KNOWN_CODES: ReadonlySet<unknown> = new Set(Object.values(ERROR_CODES).map(({ graphql }) => graphql));

/** Returns the errors of a remote subgraph. An error without a known code is logged, and masked as internal. */
export function receiveErrors(
  errors: readonly GraphQLFormattedError[],
  { subgraph, log }: { subgraph: string; log: Logger },
): GraphQLError[] {
  return errors.map(({ message, path, extensions = {} }) => {
    const { code, retryAfterMs } = extensions;
    const place = path === undefined ? {} : { path };
    if (!KNOWN_CODES.has(code)) {
      log.error("unknown error code from subgraph", { subgraph, message, code, path: path?.join(".") });
      const { title, graphql } = ERROR_CODES.internal;
      return new GraphQLError(title, { ...place, extensions: { code: graphql } });
    }
    const wait = typeof retryAfterMs === "number" ? { retryAfterMs } : {};
    return new GraphQLError(message, { ...place, extensions: { code, ...wait } });
  });
}

/** Returns the result of a request to a subgraph that cannot be reached. */
export const unavailable = (subgraph: string): { errors: GraphQLError[] } => ({
  errors: [
    graphqlError("unavailable", `Subgraph ${subgraph} is unavailable: try again in a moment`, { retryAfterMs: 1000 }),
  ],
});
