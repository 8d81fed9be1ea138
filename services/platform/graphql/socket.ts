/** Serves a subgraph over WebSocket (graphql-transport-ws): subscriptions share a socket, each at its own pace. */
import type { Peer } from "crossws";
import type { ExecutionResult, GraphQLError } from "graphql";
import type { YogaServerInstance } from "graphql-yoga";
import type { InternalGuard } from "../http/internal-guard.ts";
import type { SocketHooks } from "../http/listen.ts";
import { problemOf } from "../http/problem.ts";
import { SocketRoom } from "../http/socket-room.ts";
import { systemClock } from "../process/clock.ts";
import type { Logger } from "../process/logger.ts";
import { Answer } from "./answer.ts";
import { createGraphqlSocket, type SocketLimits, type SocketOptions } from "./graphql-socket.ts";
import { FrameWindow, readSubscribeExtensions, readTaken } from "./pace.ts";
import type { RowCall } from "./row-lists.ts";
import type { SocketState } from "./socket-link.ts";
import { exposeError, type SubgraphContext } from "./subgraph.ts";

/** Fields that a transport adds to the context of a request. */
export interface ServerContext {
  /** Aborts when the socket closes; absent over HTTP. */
  readonly closed?: AbortSignal;
  readonly resumed?: boolean;
  readonly snapshot?: boolean;
  readonly answer?: Answer;
  readonly rows?: RowCall | null;
}

export type SubgraphYoga = YogaServerInstance<ServerContext, SubgraphContext>;
type Operation = Pick<ReturnType<SubgraphYoga["getEnveloped"]>, "execute" | "subscribe">;
type Results = ExecutionResult | AsyncIterableIterator<ExecutionResult>;

/** A gateway sends the documents that it planned, and all its subscriptions on one socket. */
const LIMITS: SocketLimits = { maxMessageBytes: 1024 * 1024, maxTextBytes: 64 * 1024 * 1024 };

class Connection implements SocketState {
  readonly room: SocketRoom;
  readonly #closed = new AbortController();
  readonly #windows = new Map<string, FrameWindow>();

  constructor(peer: Peer) {
    this.room = new SocketRoom(peer, { clock: systemClock });
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Pulls each result when the window and the socket have room for it. */
  pace(id: string, results: AsyncIterableIterator<ExecutionResult>, size: number): Results {
    const window = new FrameWindow(size);
    this.#windows.set(id, window);
    const end = () => {
      window.close();
      this.#windows.delete(id);
    };
    const paced: AsyncIterableIterator<ExecutionResult> = {
      next: async () => {
        await window.enter();
        await this.room.wait();
        const result = await results.next();
        if (result.done) end();
        return result;
      },
      return: async (value) => {
        end();
        return (await results.return?.(value)) ?? { done: true, value };
      },
      [Symbol.asyncIterator]: () => paced,
    };
    return paced;
  }

  taken(id: string | undefined): void {
    if (id !== undefined) this.#windows.get(id)?.taken();
  }

  close(): void {
    this.#closed.abort();
  }
}

export function createSubgraphSocket(
  yoga: SubgraphYoga,
  { path, guard, log }: { path: string; guard: InternalGuard; log: Logger },
): SocketHooks {
  const options: SocketOptions<Connection> = {
    onConnect: ({ connectionParams }) => guard.allowsBearer(String(connectionParams?.authorization ?? "")),
    // An error thrown here would close the socket and all its other subscriptions.
    async onSubscribe(context, id, { query, operationName, variables, extensions }) {
      const { extra: connection } = context;
      const { window, resumed, snapshot } = readSubscribeExtensions(extensions);
      const enveloped = yoga.getEnveloped({ closed: connection.closed, resumed, snapshot, answer: new Answer() });
      const { schema, parse, validate, contextFactory, execute } = enveloped;
      const subscribe = async (args: unknown): Promise<Results> => {
        const results = (await enveloped.subscribe(args as never)) as Results;
        return Symbol.asyncIterator in results ? connection.pace(id, results, window) : results;
      };
      try {
        const document = parse(query);
        const errors: readonly GraphQLError[] = validate(schema, document);
        if (errors.length > 0) return errors.map((error) => exposeError(error, log));
        const contextValue = await contextFactory();
        const operation: Operation = { execute, subscribe };
        return { schema, document, operationName, variableValues: variables, contextValue, rootValue: operation };
      } catch (error) {
        return [exposeError(error, log)];
      }
    },
    execute: (args) => (args.rootValue as Operation).execute(args),
    subscribe: (args) => (args.rootValue as Operation).subscribe(args),
    onPong: ({ extra }, payload) => extra.taken(readTaken(payload)),
  };
  return createGraphqlSocket({
    options,
    limits: LIMITS,
    log,
    open: (peer) => new Connection(peer),
    upgrade(request) {
      const refusal = guard.refusePage(request);
      if (refusal !== null) return refusal;
      const { pathname } = new URL(request.url);
      return pathname === path ? null : problemOf("not_found", `No WebSocket is at ${pathname}`);
    },
  });
}
