/** Runs a subgraph that lives in this process, as if it were behind HTTP: same supergraph, same planner. */
import type { ExecutionResult } from "@graphql-tools/utils";
import { execute, type GraphQLSchema, type ExecutionResult as SubgraphResult, subscribe } from "graphql";
import { exposeError } from "../../platform/graphql/subgraph.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { SubgraphExecutor } from "./subgraph.ts";

export function createInProcessExecutor(schema: GraphQLSchema, log: Logger): SubgraphExecutor {
  const expose = (result: SubgraphResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: result.errors.map((error) => exposeError(error, log)) };

  // Not a generator: its `return` would wait for a frame that a quiet feed never sends.
  const exposed = (results: AsyncGenerator<SubgraphResult, void, void>): AsyncIterableIterator<ExecutionResult> => ({
    async next() {
      const { done, value } = await results.next();
      return done || value === undefined ? { done: true, value: undefined } : { done: false, value: expose(value) };
    },
    async return() {
      await results.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  });

  return async (request, context) => {
    const args = {
      schema,
      document: request.document,
      variableValues: request.variables,
      operationName: request.operationName,
      contextValue: context,
    };
    if (request.operationType !== "subscription") return expose(await execute(args));
    const results = await subscribe(args);
    return Symbol.asyncIterator in results ? exposed(results) : expose(results);
  };
}
