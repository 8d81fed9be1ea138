/** Subscriptions of the gateway: how many run at once, and which of them are one. */
import { createHash } from "node:crypto";
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import type { ExecutionResult } from "@graphql-tools/utils";
import { type ExecutionArgs, GraphQLError, getOperationAST, Kind, print } from "graphql";
import { ERROR_CODES } from "../../../schema/model/errors.ts";
import { type Open, type Part, type Results, SharedSubscriptions } from "./shared-subscriptions.ts";

/** What subgraphs are told of a subscription, by gateway context. */
export type Parts = WeakMap<object, Part>;

export interface SubscriptionCount {
  running: number;
}

/** These begin with a snapshot, which can be asked for alone: a reader may join others. */
const SHARED_FIELD = "readings";

/** Null: it is not shared. */
function keyOf({ document, operationName, variableValues }: ExecutionArgs): string | null {
  const operation = getOperationAST(document, operationName);
  const [field, ...others] = operation?.selectionSet.selections ?? [];
  if (field?.kind !== Kind.FIELD || field.name.value !== SHARED_FIELD || others.length > 0) return null;
  const asked = [print(document), operationName ?? "", JSON.stringify(variableValues ?? {})];
  return createHash("sha256").update(asked.join("\0")).digest("base64");
}

function leaving(results: Results, leave: () => void): Results {
  return {
    async next() {
      try {
        const result = await results.next();
        if (result.done) leave();
        return result;
      } catch (error) {
        leave();
        throw error;
      }
    },
    async return(value) {
      leave();
      return (await results.return?.(value)) ?? { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const refused = (max: number) => ({
  errors: [
    new GraphQLError(`All ${max} subscriptions are taken: try again later, or raise MAX_SUBSCRIPTIONS`, {
      extensions: { code: ERROR_CODES.overloaded.graphql },
    }),
  ],
});

/** A subscription runs until its reader leaves; those beyond `max` are refused. */
export function runSubscriptions({
  max,
  count,
  parts,
}: {
  max: number;
  count: SubscriptionCount;
  parts: Parts;
}): GatewayPlugin {
  const shared = new SharedSubscriptions();
  return {
    onSubscribe({ args: { contextValue }, subscribeFn, setSubscribeFn }) {
      // Over WebSocket it never aborts: a socket carries many operations.
      const left = (contextValue as { readonly request?: Request }).request?.signal;
      setSubscribeFn(async (args: ExecutionArgs) => {
        if (count.running >= max) return refused(max);
        count.running++;
        let counted = true;
        const leave = () => {
          if (counted) count.running--;
          counted = false;
        };
        // A context of its own: that of the reader who asked first must not outlive it.
        const open: Open = async (part) => {
          const context = { ...contextValue };
          parts.set(context, part);
          return (await subscribeFn({ ...args, contextValue: context } as never)) as Results | ExecutionResult;
        };
        try {
          const key = keyOf(args);
          const results = await (key === null ? open({ signal: left }) : shared.subscribe(key, open, left));
          if (Symbol.asyncIterator in results) return leaving(results[Symbol.asyncIterator](), leave);
          leave();
          return results;
        } catch (error) {
          leave();
          throw error;
        }
      });
    },
  };
}
