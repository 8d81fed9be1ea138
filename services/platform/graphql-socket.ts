/** A subgraph over WebSocket (graphql-transport-ws): all subscriptions of one caller on one socket, at its pace. */
import type { Hooks, Peer } from "crossws";
import type { GraphQLError } from "graphql";
import type { ServerOptions } from "graphql-ws";
import { type Extra, makeHooks } from "graphql-ws/use/crossws";
import type { YogaServerInstance } from "graphql-yoga";
import { exposeError, type SubgraphContext } from "./graphql.ts";
import type { InternalGuard } from "./internal-token.ts";
import type { Logger } from "./logger.ts";
import { problemOf } from "./problem.ts";

/** What a transport hands to a request's context. */
export interface ServerContext {
  /** Over WebSocket: aborts when the socket closes. */
  readonly closed?: AbortSignal;
}

export type SubgraphYoga = YogaServerInstance<ServerContext, SubgraphContext>;
type Options = ServerOptions<Record<string, unknown> | undefined, Extra>;
type Enveloped = ReturnType<SubgraphYoga["getEnveloped"]>;

/** Bytes that wait for a slow caller; beyond it the subscriptions wait, and the live feed conflates for them. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const DRAIN_POLL_MS = 10;

class Connection {
  readonly #peer: Peer;
  readonly #closed = new AbortController();
  #turn: Promise<void> = Promise.resolve();

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Resolves when the next message may be sent, one caller after the other. */
  room(): Promise<void> {
    this.#turn = this.#turn.then(() =>
      this.#peer.waitForDrain({ threshold: MAX_BUFFERED_BYTES, pollInterval: DRAIN_POLL_MS }),
    );
    return this.#turn;
  }

  close(): void {
    this.#closed.abort();
  }
}

export function createSubgraphSocket(
  yoga: SubgraphYoga,
  { path, guard, log }: { path: string; guard: InternalGuard; log: Logger },
): Partial<Hooks> {
  const connections = new WeakMap<object, Connection>();
  const connectionOf = ({ extra }: { extra: Extra }): Connection => {
    const connection = connections.get(extra.socket);
    if (connection === undefined) throw new Error("A message came before its socket was opened");
    return connection;
  };
  const options: Options = {
    onConnect: ({ connectionParams }) => guard.allowsBearer(String(connectionParams?.authorization ?? "")),
    // An error thrown here would close the socket with all its other subscriptions.
    async onSubscribe(context, _id, { query, operationName, variables }) {
      const enveloped: Enveloped = yoga.getEnveloped({ closed: connectionOf(context).closed });
      const { schema, parse, validate, contextFactory, execute, subscribe } = enveloped;
      try {
        const document = parse(query);
        const errors: readonly GraphQLError[] = validate(schema, document);
        if (errors.length > 0) return errors.map((error) => exposeError(error, log));
        const contextValue = await contextFactory();
        const args = { schema, document, operationName, variableValues: variables, contextValue };
        return { ...args, rootValue: { execute, subscribe } };
      } catch (error) {
        return [exposeError(error, log)];
      }
    },
    execute: (args) => (args.rootValue as Enveloped).execute(args),
    subscribe: (args) => (args.rootValue as Enveloped).subscribe(args),
    onNext: (context) => connectionOf(context).room(),
  };
  const hooks = makeHooks(options);
  return {
    ...hooks,
    upgrade(request) {
      const { pathname } = new URL(request.url);
      return pathname === path ? hooks.upgrade(request) : problemOf("not_found", `No WebSocket is at ${pathname}`);
    },
    open(peer) {
      connections.set(peer.websocket, new Connection(peer));
      hooks.open(peer);
    },
    close(peer, details) {
      connections.get(peer.websocket)?.close();
      hooks.close(peer, details);
    },
  };
}
