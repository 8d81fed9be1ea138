/** The gateway: plans operations over the subgraphs and executes them, for every transport. */
import { readFile } from "node:fs/promises";
import {
  createGatewayRuntime,
  type GatewayPlugin,
  type GatewayRuntime,
  Logger as HiveLogger,
} from "@graphql-hive/gateway-runtime";
import { type DocumentNode, type ExecutionResult, GraphQLSchema } from "graphql";
import { Answer } from "../../platform/graphql/answer.ts";
import { keepDocuments } from "../../platform/graphql/documents.ts";
import { withDeadline } from "../../platform/graphql/limits.ts";
import { exposeError, type SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { endUnsent } from "../../platform/graphql/unsent.ts";
import type { Logger } from "../../platform/process/logger.ts";
import type { Turns } from "../../platform/process/turns.ts";
import { generatedFile } from "../assets.ts";
import type { ApiConfig } from "../config.ts";
import type { Access } from "../edge/access.ts";
import { GRAPHQL_PATH } from "../edge/graphql-endpoint.ts";
import { createInProcessExecutor } from "../subgraphs/in-process.ts";
import type { SubgraphExecutor } from "../subgraphs/subgraph.ts";
import { limitRows } from "./cost.ts";
import { judgeDirectives } from "./defer.ts";
import { limitShape, limitTime, type SubgraphContexts } from "./limits.ts";
import { guardMutations } from "./mutations.ts";
import { judgeNames } from "./names.ts";
import { planQueries } from "./planner.ts";
import { hideSchema, withoutHints } from "./secrecy.ts";

const SUPERGRAPH = generatedFile("supergraph.graphql");

export interface Gateway extends AsyncDisposable {
  readonly runtime: GatewayRuntime;
  /**
   * Executes a prepared query on one subgraph, without planning, under the deadline that planned queries have.
   * @param options.left aborts when the caller disconnects
   * @param options.client the address of the caller
   */
  ask(
    subgraph: string,
    query: DocumentNode,
    options: {
      variables: Readonly<Record<string, unknown>>;
      left?: AbortSignal | undefined;
      client?: string | undefined;
    },
  ): Promise<ExecutionResult>;
}

/** Logs Hive's own messages at debug level. Failed queries are logged where their errors are masked. */
const quiet = (log: Logger) =>
  new HiveLogger({
    level: "warn",
    writers: [{ write: (level, fields, message) => log.debug(message ?? "gateway", { level, fields }) }],
  });

/** A schema is executed in this process; an executor sends the request elsewhere. */
export type Subgraph = GraphQLSchema | SubgraphExecutor;

export const isInProcess = (subgraph: Subgraph): subgraph is GraphQLSchema => subgraph instanceof GraphQLSchema;

export interface GatewayParts {
  readonly config: ApiConfig;
  readonly access: Access;
  readonly log: Logger;
  /** The turns in which prepared queries begin. */
  readonly turns: Turns;
  /** Returns the plugin that runs subscriptions. It stores the subgraph context of each subscription in `contexts`. */
  readonly subscriptions: (contexts: SubgraphContexts) => GatewayPlugin;
}

export async function openGateway(
  subgraphs: Readonly<Record<string, Subgraph>>,
  { config, access, log, turns, subscriptions }: GatewayParts,
): Promise<Gateway> {
  const contexts: SubgraphContexts = new WeakMap();
  const contextOf = (gatewayContext: object | undefined): SubgraphContext => {
    if (gatewayContext === undefined) return {};
    const known = contexts.get(gatewayContext);
    if (known !== undefined) return known;
    const context = {};
    contexts.set(gatewayContext, context);
    return context;
  };
  const executors = new Map(
    Object.entries(subgraphs).map(([name, subgraph]) => [
      name,
      isInProcess(subgraph) ? createInProcessExecutor(subgraph, log) : subgraph,
    ]),
  );
  const executorOf = (name: string) => {
    const executor = executors.get(name);
    if (executor === undefined) throw new Error(`Subgraph ${name} has no executor`);
    return executor;
  };
  const runtime = createGatewayRuntime({
    supergraph: await readFile(SUPERGRAPH, "utf8"),
    unifiedGraphHandler: planQueries(log),
    transports: {
      http: {
        getSubgraphExecutor: ({ subgraphName }) => {
          const execute = executorOf(subgraphName);
          return (request) => execute(request, contextOf(request.context));
        },
      },
    },
    plugins: () => [
      judgeNames(),
      judgeDirectives(),
      ...(config.introspection ? [] : [hideSchema()]),
      limitShape(),
      limitRows(),
      guardMutations(access),
      limitTime(config.queryTimeoutMs, contexts),
      endUnsent(),
      subscriptions(contexts),
      keepDocuments(),
    ],
    maskedErrors: {
      maskError: (error) => (config.introspection ? exposeError(error, log) : withoutHints(exposeError(error, log))),
    },
    graphqlEndpoint: GRAPHQL_PATH,
    logging: quiet(log),
    // The gateway's own guards, pages and executors replace these features.
    cors: false,
    graphiql: false,
    landingPage: false,
    requestId: false,
    subgraphErrors: false,
  });
  // Loads the schema now. The first HTTP request would load it, but an operation over WebSocket may come earlier.
  await runtime.getSchema();
  return {
    runtime,
    async ask(subgraph, document, { variables, left, client }) {
      // The caller makes a text of it at once: of one page, which is small.
      using answer = new Answer({ isOneStep: true, client });
      return await withDeadline(
        config.queryTimeoutMs,
        async (signal): Promise<ExecutionResult> => {
          try {
            await turns.enter(answer.client);
          } catch (error) {
            return { errors: [exposeError(error, log)] };
          }
          return (await executorOf(subgraph)({ document, variables }, { signal, answer })) as ExecutionResult;
        },
        { left },
      );
    },
    [Symbol.asyncDispose]: async () => {
      await runtime.dispose();
    },
  };
}
