/** A subgraph over HTTP, SSE and WebSocket: its access, limits and error masking. */
import { useDeferStream } from "@graphql-yoga/plugin-defer-stream";
import type { GraphQLSchema } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import type { InternalGuard } from "../http/internal-guard.ts";
import type { SocketHooks } from "../http/listen.ts";
import type { Logger } from "../process/logger.ts";
import { ANSWER_SECONDS, type Metrics } from "../process/metrics.ts";
import { keepDocuments } from "./documents.ts";
import { limitBody, withDeadline } from "./limits.ts";
import { createSubgraphSocket, type ServerContext, type SubgraphYoga } from "./socket.ts";
import { exposeError, type SubgraphContext } from "./subgraph.ts";
import { endUnsent } from "./unsent.ts";

export const SUBGRAPH_PATH = "/graphql";

/** Enough for a gateway's request that names every GPU of a page: 10,000 uuids are 1 MB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface SubgraphServerParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly guard: InternalGuard;
  readonly queryTimeoutMs: number;
}

export interface SubgraphServer extends AsyncDisposable {
  /** Answers `/graphql`; callers route no other path here. */
  fetch(request: Request): Promise<Response>;
  /** graphql-transport-ws at `/graphql`; the token is `authorization` in connectionParams. */
  readonly websocket: SocketHooks;
}

/** Ends queries and mutations at the deadline, or when the caller disconnects. Subscriptions have no deadline. */
function limitTime(timeoutMs: number, metrics: Metrics): Plugin<SubgraphContext> {
  const seconds = metrics.histogram({
    name: "graphql_operation_duration_seconds",
    help: "Time of queries and mutations of this subgraph, by outcome.",
    labels: ["outcome"],
    buckets: ANSWER_SECONDS,
  });
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn(async (args) => {
        const startedAt = performance.now();
        const context = args.contextValue as SubgraphContext;
        const result = await withDeadline(
          timeoutMs,
          (signal) => executeFn({ ...args, contextValue: { ...context, signal } }),
          { left: context.signal },
        );
        const outcome = "errors" in result ? "error" : "ok";
        seconds.observe({ outcome }, (performance.now() - startedAt) / 1000);
        return result;
      });
    },
  };
}

export function createSubgraphServer(schema: GraphQLSchema, parts: SubgraphServerParts): SubgraphServer {
  const { log, metrics, guard, queryTimeoutMs } = parts;
  const yoga: SubgraphYoga = createYoga<ServerContext, SubgraphContext>({
    schema,
    graphqlEndpoint: SUBGRAPH_PATH,
    context: ({ request, closed, resumed, snapshot }) => ({ signal: closed ?? request.signal, resumed, snapshot }),
    // Direct callers may use @defer. The gateway sends none, because it splits queries itself.
    plugins: [limitTime(queryTimeoutMs, metrics), endUnsent(), useDeferStream(), keepDocuments()],
    maskedErrors: { maskError: (error) => exposeError(error, log) },
    graphiql: false,
    landingPage: false,
    cors: false,
    logging: false,
  });
  return {
    async fetch(request) {
      const refusal = guard.refuse(request);
      return refusal ?? limitBody(request, MAX_BODY_BYTES, (bounded) => yoga.fetch(bounded, {}));
    },
    websocket: createSubgraphSocket(yoga, { path: SUBGRAPH_PATH, guard, log }),
    async [Symbol.asyncDispose]() {
      await yoga.dispose();
    },
  };
}
