/** A subgraph over HTTP, SSE and WebSocket: its access, limits and error masking. */
import { useDeferStream } from "@graphql-yoga/plugin-defer-stream";
import type { ExecutionResult, GraphQLSchema } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import type { InternalGuard } from "../http/internal-guard.ts";
import type { SocketHooks } from "../http/listen.ts";
import { pacedBody, pacedBytes, pacedStream } from "../http/paced-body.ts";
import { systemClock } from "../process/clock.ts";
import type { Logger } from "../process/logger.ts";
import { ANSWER_SECONDS, type Metrics } from "../process/metrics.ts";
import { Turns } from "../process/turns.ts";
import { Answer } from "./answer.ts";
import { keepDocuments } from "./documents.ts";
import { limitBody, refusalOf, withDeadline } from "./limits.ts";
import { isPrefix, RowCall, writeLists } from "./row-lists.ts";
import { createSubgraphSocket, type ServerContext, type SubgraphYoga } from "./socket.ts";
import { exposeError, type SubgraphContext } from "./subgraph.ts";
import { endUnsent } from "./unsent.ts";

export const SUBGRAPH_PATH = "/graphql";

/** Enough for a gateway's request that names every GPU of a page: 10,000 uuids are 1 MB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A request header: the caller takes long lists after the text of the answer, and wants this prefix in its marks. */
export const ROW_LISTS_HEADER = "row-lists";
/** The content type of an answer whose lists follow its text. See PROTOCOL.md of the gateway. */
export const ROW_LISTS_MEDIA = "application/vnd.gpu-telemetry.row-lists";

/** A request header: the address of the client on whose behalf the gateway asks. Clients take turns. */
export const CLIENT_HEADER = "client";

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

interface ExecutionContext extends SubgraphContext {
  /** Takes the long lists; null: the answer is made of objects. */
  readonly rows?: RowCall | null;
}

/** Ends queries and mutations at the deadline, or when the caller disconnects. Subscriptions have no deadline. */
function limitTime(timeoutMs: number, metrics: Metrics): Plugin<ExecutionContext> {
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
        const context = args.contextValue as ExecutionContext;
        const { rows } = context;
        const result = await withDeadline(
          timeoutMs,
          (signal) => executeFn({ ...args, rootValue: rows ?? args.rootValue, contextValue: { ...context, signal } }),
          { left: context.signal },
        );
        rows?.mark((result as ExecutionResult).data);
        const outcome = "errors" in result ? "error" : "ok";
        seconds.observe({ outcome }, (performance.now() - startedAt) / 1000);
        return result;
      });
    },
  };
}

/** Whether the answer is in one piece, and not in parts or a stream of events. */
export const isWhole = ({ headers }: Response): boolean =>
  /^application\/(graphql-response\+)?json\b/.test(headers.get("content-type") ?? "");

export function createSubgraphServer(schema: GraphQLSchema, parts: SubgraphServerParts): SubgraphServer {
  const { log, metrics, guard, queryTimeoutMs } = parts;
  const yoga: SubgraphYoga = createYoga<ServerContext, ExecutionContext>({
    schema,
    graphqlEndpoint: SUBGRAPH_PATH,
    context: ({ request, closed, ...others }) => ({ signal: closed ?? request.signal, ...others }),
    // Direct callers may use @defer. The gateway sends none, because it splits queries itself.
    plugins: [limitTime(queryTimeoutMs, metrics), endUnsent(), useDeferStream(), keepDocuments()],
    maskedErrors: { maskError: (error) => exposeError(error, log) },
    graphiql: false,
    landingPage: false,
    cors: false,
    logging: false,
  });
  const turns = new Turns();
  async function execute(request: Request): Promise<Response> {
    const client = request.headers.get(CLIENT_HEADER) ?? "";
    const refusal = await refusalOf(turns.enter(client));
    if (refusal !== null) return refusal;
    const prefix = request.headers.get(ROW_LISTS_HEADER) ?? "";
    const rows = isPrefix(prefix) ? new RowCall(prefix) : null;
    const answer = new Answer({ isCompact: rows !== null, client });
    const options = { clock: systemClock, onEnd: () => answer[Symbol.dispose]() };
    const response = await yoga.fetch(request, { answer, rows });
    answer.made();
    if (rows !== null && rows.lists.length > 0) {
      const { status, headers } = response;
      const body = pacedBody(writeLists(rows, await response.text()), options);
      return new Response(body, {
        status,
        headers: { "content-type": ROW_LISTS_MEDIA, vary: headers.get("vary") ?? "" },
      });
    }
    if (!isWhole(response)) return pacedStream(response, options);
    return new Response(pacedBytes(new Uint8Array(await response.arrayBuffer()), options), response);
  }

  return {
    async fetch(request) {
      const refusal = guard.refuse(request);
      return refusal ?? limitBody(request, MAX_BODY_BYTES, execute);
    },
    websocket: createSubgraphSocket(yoga, { path: SUBGRAPH_PATH, guard, log }),
    async [Symbol.asyncDispose]() {
      await yoga.dispose();
    },
  };
}
