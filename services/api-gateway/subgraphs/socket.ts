/** Subscribes at a subgraph in another process: all subscriptions share one WebSocket, and resume after it was cut. */
import type { ExecutionResult, MaybeAsyncIterable } from "@graphql-tools/utils";
import { type GraphQLFormattedError, print } from "graphql";
import type { SubscribePayload } from "graphql-ws";
import { AppError } from "../../../schema/model/errors.ts";
import { type SubscribeExtensions, takenMessage } from "../../platform/graphql/pace.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { backoffMs } from "../../platform/process/clock.ts";
import { Mailbox } from "../../platform/process/mailbox.ts";
import { type ConnectionOptions, createConnection, RECONNECT } from "./connection.ts";
import { receiveErrors, type SubgraphRequest, unavailable } from "./subgraph.ts";

/** How many frames of one subscription the subgraph may send before the reader takes one. */
const WINDOW = 4;
/** How many frames may wait for the reader. Enough for 16 connections in a row that each send a window and are cut. */
const MAX_WAITING = 16 * WINDOW;

export interface RemoteSocketOptions extends ConnectionOptions {
  /** Called when a subscription receives a frame, and its previous frame came over another connection. */
  readonly onResumed: () => void;
}

export interface RemoteSocket extends AsyncDisposable {
  /**
   * Returns results that continue after the connection is cut. The first frame of the next connection then reports that
   * frames may have been missed.
   */
  subscribe(request: SubgraphRequest, context: SubgraphContext): Promise<MaybeAsyncIterable<ExecutionResult>>;
}

export function createRemoteSocket(options: RemoteSocketOptions): RemoteSocket {
  const { name, log, clock, onResumed } = options;
  const connection = createConnection(options);
  const { client } = connection;
  const closed = new AbortController();

  function open(
    { document, variables, operationName }: SubgraphRequest,
    { signal, resumed = false, snapshot = false }: SubgraphContext,
  ): { readonly results: Mailbox<ExecutionResult>; readonly over: AbortSignal } {
    const id = crypto.randomUUID();
    const extensions: { -readonly [Name in keyof SubscribeExtensions]: SubscribeExtensions[Name] } = {
      window: WINDOW,
      resumed,
      snapshot,
    };
    const payload: SubscribePayload = { query: print(document), variables, operationName, extensions };
    connection.name(payload, id);
    const over = new AbortController();
    /** The sockets over which the waiting results came, in the same order; null if the frame needs no confirmation. */
    const origins: (WebSocket | null)[] = [];
    const results = new Mailbox<ExecutionResult>({
      capacity: MAX_WAITING,
      signal,
      onTake() {
        const from = origins.shift() ?? null;
        if (from !== null && from === connection.current()) from.send(takenMessage(id));
      },
      onClose: () => over.abort(),
    });
    const receive = (result: ExecutionResult, from: WebSocket | null) => {
      origins.push(from);
      if (results.push(result)) return;
      const message = `The connection to subgraph ${name} was cut too often while the reader took no frames`;
      results.fail(new AppError(message, { code: "unavailable" }));
    };
    let last: WebSocket | null = null;
    let failures = 0;
    let leave = () => {};
    const run = () => {
      leave = client.subscribe<ExecutionResult["data"]>(payload, {
        next({ data, errors }) {
          const from = connection.current();
          if (last !== null && last !== from) onResumed();
          last = from;
          failures = 0;
          extensions.resumed = true;
          receive(
            {
              ...(data === undefined ? {} : { data }),
              ...(errors === undefined ? {} : { errors: receiveErrors(errors, { subgraph: name, log }) }),
            },
            from,
          );
        },
        async error(problem) {
          if (Array.isArray(problem)) {
            receive({ errors: receiveErrors(problem as GraphQLFormattedError[], { subgraph: name, log }) }, null);
            return results.end();
          }
          // The client gives up after some close codes. The next connection may work, so the subscription retries.
          connection.lost(problem);
          await clock.sleep(backoffMs(failures++, RECONNECT), { signal: over.signal });
          if (!over.signal.aborted && !closed.signal.aborted) run();
          else results.end();
        },
        complete: () => results.end(),
      });
    };
    over.signal.addEventListener("abort", () => leave(), { once: true });
    if (!results.isClosed) run();
    return { results, over: over.signal };
  }

  return {
    async subscribe(request, context) {
      const { results, over } = open(request, context);
      if (results.isClosed || (await connection.reached(over))) return results;
      await results.return();
      return unavailable(name);
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      const disposed = (async () => client.dispose())();
      // Without an open socket, disposal would wait for a connection attempt that may never settle.
      if (connection.current() === null) disposed.catch(() => {});
      else await disposed;
    },
  };
}
