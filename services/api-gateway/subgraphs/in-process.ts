/** Executes requests on a subgraph in this process, behind the interface that remote subgraphs have. */
import type { ExecutionResult } from "@graphql-tools/utils";
import { execute, type GraphQLSchema, type ExecutionResult as SubgraphResult, subscribe } from "graphql";
import { exposeError } from "../../platform/graphql/subgraph.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { mapAsync } from "../../platform/process/map-async.ts";
import type { SubgraphExecutor } from "./subgraph.ts";

export function createInProcessExecutor(schema: GraphQLSchema, log: Logger): SubgraphExecutor {
  const expose = (result: SubgraphResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: result.errors.map((error) => exposeError(error, log)) };

  return async (request, context) => {
    const args = {
      schema,
      document: request.document,
      variableValues: request.variables,
      operationName: request.operationName,
      contextValue: context,
    };
    if (request.operationType !== "subscription") {
      const rows = context.answer?.rows?.call();
      const result = await execute({ ...args, rootValue: rows });
      rows?.mark(result.data);
      return expose(result);
    }
    const results = await subscribe(args);
    return Symbol.asyncIterator in results ? mapAsync(results, expose) : expose(results);
  };
}
