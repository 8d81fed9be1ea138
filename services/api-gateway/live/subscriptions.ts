/** Runs the gateway's subscriptions: limits their number, and shares equal ones. */
import { createHash } from "node:crypto";
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import type { ExecutionResult } from "@graphql-tools/utils";
import { type ExecutionArgs, getOperationAST, Kind, print } from "graphql";
import { graphqlError } from "../../platform/graphql/errors.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { mapAsync } from "../../platform/process/map-async.ts";
import { Shares } from "../../platform/process/shares.ts";
import { type Open, type Results, SharedSubscriptions } from "./shared-subscriptions.ts";

export interface Subscriptions {
  /** Number of subscriptions that run now. */
  readonly running: number;
  /**
   * Returns the plugin that runs the subscriptions. It stores the subgraph context of each subscription in `contexts`,
   * under the context of its operation.
   */
  plugin(contexts: WeakMap<object, SubgraphContext>): GatewayPlugin;
}

/** The one field whose subscriptions are shared. A snapshot of it can be requested alone, so readers can join late. */
const SHARED_FIELD = "readings";

/** Returns the key that equal subscriptions have in common, or null if this subscription cannot be shared. */
function keyOf({ document, operationName, variableValues }: ExecutionArgs): string | null {
  const operation = getOperationAST(document, operationName);
  const [field, ...others] = operation?.selectionSet.selections ?? [];
  if (field?.kind !== Kind.FIELD || field.name.value !== SHARED_FIELD || others.length > 0) return null;
  const parts = [print(document), operationName ?? "", JSON.stringify(variableValues ?? {})];
  return createHash("sha256").update(parts.join("\0")).digest("base64");
}

const refused = (reason: string) => ({
  errors: [graphqlError("overloaded", `${reason}, or raise MAX_SUBSCRIPTIONS`)],
});

/** What a transport puts into the context of an operation. */
export interface CallerContext {
  readonly request?: Request;
  /** The address by which the caller is counted. */
  readonly client?: string;
}

/**
 * Runs each subscription until it ends or its reader disconnects. Refuses subscriptions beyond `max`, and beyond the
 * share of a client.
 */
export function createSubscriptions(max: number): Subscriptions {
  const shared = new SharedSubscriptions();
  const places = new Shares({ places: max, noun: "subscriptions" });

  const plugin: Subscriptions["plugin"] = (contexts) => ({
    onSubscribe({ args: { contextValue }, subscribeFn, setSubscribeFn }) {
      // Over WebSocket the signal of the request never aborts, because a socket carries many operations.
      const { request, client = "unknown" } = contextValue as CallerContext;
      const left = request?.signal;
      setSubscribeFn(async (args: ExecutionArgs) => {
        const leave = places.take(client);
        if (leave === null) return refused(places.refusalOf(client) ?? "All subscriptions are in use: try again later");
        // A copy of the context, because the subscription may outlive the reader that opened it.
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
      return places.taken;
    },
  };
}
