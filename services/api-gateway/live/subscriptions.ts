/** Runs the gateway's subscriptions: limits their number, and shares equal ones. */
import { createHash } from "node:crypto";
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import type { ExecutionResult } from "@graphql-tools/utils";
import { type ExecutionArgs, getOperationAST, Kind, print } from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { mapAsync } from "../../platform/process/map-async.ts";
import { type Open, type Results, SharedSubscriptions } from "./shared-subscriptions.ts";

export interface Subscriptions {
  /** Subscriptions that run now. */
  readonly running: number;
  /**
   * Returns the plugin that runs the subscriptions. It stores the subgraph context of each subscription in `contexts`,
   * under the context of its operation.
   */
  plugin(contexts: WeakMap<object, SubgraphContext>): GatewayPlugin;
}

/** A field whose subscription begins with a snapshot that can be requested alone, so that a reader can join others. */
const SHARED_FIELD = "readings";

/** The key that equal subscriptions have in common; null: this one is not shared. */
function keyOf({ document, operationName, variableValues }: ExecutionArgs): string | null {
  const operation = getOperationAST(document, operationName);
  const [field, ...others] = operation?.selectionSet.selections ?? [];
  if (field?.kind !== Kind.FIELD || field.name.value !== SHARED_FIELD || others.length > 0) return null;
  const parts = [print(document), operationName ?? "", JSON.stringify(variableValues ?? {})];
  return createHash("sha256").update(parts.join("\0")).digest("base64");
}

const refused = (max: number) => ({
  errors: [
    graphqlError("overloaded", `All ${max} subscriptions are in use: try again later, or raise MAX_SUBSCRIPTIONS`),
  ],
});

/** Each subscription runs until it ends or its reader leaves. Those beyond `max` are refused. */
export function createSubscriptions(max: number): Subscriptions {
  const shared = new SharedSubscriptions();
  let running = 0;

  const plugin: Subscriptions["plugin"] = (contexts) => ({
    onSubscribe({ args: { contextValue }, subscribeFn, setSubscribeFn }) {
      // Over WebSocket this never aborts: a socket carries many operations.
      const left = (contextValue as { readonly request?: Request }).request?.signal;
      setSubscribeFn(async (args: ExecutionArgs) => {
        if (running >= max) return refused(max);
        running++;
        let counted = true;
        const leave = () => {
          if (counted) running--;
          counted = false;
        };
        // A context of its own: the reader who asked first may leave before the others.
        const open: Open = async (subgraphContext) => {
          const context = { ...contextValue };
          contexts.set(context, subgraphContext);
          return (await subscribeFn({ ...args, contextValue: context } as never)) as Results | ExecutionResult;
        };
        try {
          const key = keyOf(args);
          const results = await (key === null ? open({ signal: left }) : shared.subscribe(key, open, left));
          if (Symbol.asyncIterator in results)
            return mapAsync(results[Symbol.asyncIterator](), (result) => result, leave);
          leave();
          return results;
        } catch (error) {
          leave();
          throw error;
        }
      });
    },
  });

  return {
    plugin,
    get running() {
      return running;
    },
  };
}
