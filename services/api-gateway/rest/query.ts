/** Runs the prepared query of a REST request on its subgraph. */
import type { ExecutionResult } from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";
import type { Gateway } from "../graph/gateway.ts";
import type { RestCall } from "./request.ts";

/**
 * Runs the query of a call. If the root field is null, the GPU is unknown, and the result is a `not_found` error.
 * @param signal aborts when no client waits for the answer
 */
export async function runQuery(
  gateway: Pick<Gateway, "ask">,
  { route, variables, client }: RestCall,
  signal: AbortSignal,
): Promise<ExecutionResult> {
  const result = await gateway.ask(route.subgraph, route.query, { variables, left: signal, client });
  if (result.errors !== undefined || result.data?.[route.field] != null) return result;
  const message = `No GPU has uuid ${JSON.stringify(variables.uuid)}`;
  return { errors: [graphqlError("not_found", message)] };
}
