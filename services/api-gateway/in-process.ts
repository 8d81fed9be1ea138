/** Runs a subgraph that lives in this process, as if it were behind HTTP: same supergraph, same planner. */
import type { ExecutionRequest, ExecutionResult, MaybeAsyncIterable } from "@graphql-tools/utils";
import { execute, type GraphQLSchema, type ExecutionResult as SubgraphResult, subscribe } from "graphql";
import { exposeError, type SubgraphContext } from "../platform/graphql.ts";
import type { Logger } from "../platform/logger.ts";

/** The context of a subgraph for the gateway's: one object per request, so that loaders span its fetches. */
export type ContextOf = (gatewayContext: object | undefined) => SubgraphContext;

export function createInProcessExecutor(schema: GraphQLSchema, contextOf: ContextOf, log: Logger) {
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

  return async (request: ExecutionRequest): Promise<MaybeAsyncIterable<ExecutionResult>> => {
    const args = {
      schema,
      document: request.document,
      variableValues: request.variables,
      operationName: request.operationName,
      contextValue: contextOf(request.context),
    };
    if (request.operationType !== "subscription") return expose(await execute(args));
    const results = await subscribe(args);
    return Symbol.asyncIterator in results ? exposed(results) : expose(results);
  };
}
