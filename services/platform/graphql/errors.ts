/** GraphQL errors with the codes of `ERROR_CODES`. */
import { type ASTNode, GraphQLError } from "graphql";
import { ERROR_CODES, type ErrorCode } from "../../../schema/model/errors.ts";

export interface GraphqlErrorOptions {
  /** Where in the document the error is. */
  readonly nodes?: ASTNode | readonly ASTNode[] | undefined;
  /** Milliseconds to wait before a retry. */
  readonly retryAfterMs?: number | undefined;
}

export const graphqlError = (code: ErrorCode, message: string, options: GraphqlErrorOptions = {}): GraphQLError => {
  const { nodes = null, retryAfterMs } = options;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new GraphQLError(message, { nodes, extensions: { code: ERROR_CODES[code].graphql, ...wait } });
};
