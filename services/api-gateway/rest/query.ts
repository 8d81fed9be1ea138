/** A REST request asked of the subgraph that answers it. */
import { type ExecutionResult, GraphQLError } from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";
import type { Gateway } from "../graph/gateway.ts";
import type { RestRequest } from "./request.ts";

/** Null at the root means that there is no such GPU, and is an error. @param left aborts when nobody waits any more */
export async function askRoute(
  gateway: Pick<Gateway, "ask">,
  { route, variables }: RestRequest,
  left: AbortSignal,
): Promise<ExecutionResult> {
  const result = await gateway.ask(route.subgraph, route.query, { variables, left });
  if (result.errors !== undefined || result.data?.[route.field] != null) return result;
  const message = `No GPU has uuid ${JSON.stringify(variables.uuid)}`;
  return { errors: [new GraphQLError(message, { extensions: { code: ERROR_CODES.not_found.graphql } })] };
}
