/** What one GraphQL operation may cost: shape and time. */
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
    // It knows of `first` and `last`, not of `limit`, and of no list without; `limitRows` and the subgraphs' budgets do.
    costLimit: { enabled: false },
    // It misses hints at types and enum values; `hideSchema` has them all where names are a secret.
    blockFieldSuggestion: { enabled: false },
  });

/** What subgraphs get as context of one operation, by the operation's own context. */
export type SubgraphContexts = WeakMap<object, SubgraphContext>;

/** Aborts when the client of a request over HTTP leaves. Over WebSocket it never does: a socket carries many operations. */
const leavingOf = (context: { readonly request?: Request }): AbortSignal | undefined => context.request?.signal;

export function limitTime(timeoutMs: number, contexts: SubgraphContexts): GatewayPlugin {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      setExecuteFn((executionArgs: unknown) =>
        withDeadline(
          timeoutMs,
          (signal) => {
            contexts.set(args.contextValue, { signal });
            return executeFn(executionArgs as Parameters<typeof executeFn>[0]);
          },
          { left: leavingOf(args.contextValue) },
        ),
      );
    },
  };
}
