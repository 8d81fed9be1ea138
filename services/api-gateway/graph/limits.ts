/** Limits of one GraphQL operation: its shape and its time. */
import { EnvelopArmorPlugin } from "@escape.tech/graphql-armor";
import type { GatewayPlugin } from "@graphql-hive/gateway-runtime";
import { withDeadline } from "../../platform/graphql/limits.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";

const LIMITS = { depth: 10, aliases: 30, directives: 50, tokens: 1000 } as const;

export const limitShape = () =>
  EnvelopArmorPlugin({
    maxDepth: { n: LIMITS.depth },
    maxAliases: { n: LIMITS.aliases, allowList: [] },
    maxDirectives: { n: LIMITS.directives },
    maxTokens: { n: LIMITS.tokens },
    // Armor counts `first` and `last`. This schema has `limit`, which `limitRows` and the subgraphs' budgets count.
    costLimit: { enabled: false },
    // Armor misses hints at types and enum values. `hideSchema` removes all hints where the schema is hidden.
    blockFieldSuggestion: { enabled: false },
  });

/** The context that the subgraphs get, by the context that the gateway has for the operation. */
export type SubgraphContexts = WeakMap<object, SubgraphContext>;

/** Returns a signal that aborts when the client disconnects; over WebSocket, also when it completes the operation. */
const leavingOf = ({ left, request }: { readonly left?: AbortSignal; readonly request?: Request }) =>
  left ?? request?.signal;

/** Ends each execution after `timeoutMs`, or when its client disconnects. */
export function limitTime(timeoutMs: number, contexts: SubgraphContexts): GatewayPlugin {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      setExecuteFn((executionArgs: unknown) =>
        withDeadline(
          timeoutMs,
          (signal) => {
            contexts.set(args.contextValue, { signal, answer: args.contextValue.answer });
            return executeFn(executionArgs as Parameters<typeof executeFn>[0]);
          },
          { left: leavingOf(args.contextValue) },
        ),
      );
    },
  };
}
