/** Subscriptions of a subgraph in another process: all on one WebSocket, and resumed after it was cut. */
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

/** Frames of one subscription that the subgraph may send ahead of the reader. */
const WINDOW = 4;
/** Frames that may wait for the reader: a window for each of 16 connections, should they be cut one after the other. */
const MAX_WAITING = 16 * WINDOW;

export interface RemoteSocketOptions extends ConnectionOptions {
  /** Called when a subscription receives its first frame over another connection than its last one. */
  readonly onResumed: () => void;
}

export interface RemoteSocket extends AsyncDisposable {
  /** The results outlive the connection: after a cut, the first frame reports that some may have been missed. */
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
    /** Sockets of the results that wait, in the same order. */
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
      const message = `Subgraph ${name} was lost too often while the reader took nothing`;
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
          // The client gives up after some close codes, which say nothing about the next connection.
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
      // While it connects, disposal waits for an attempt that may never settle.
      if (connection.current() === null) disposed.catch(() => {});
      else await disposed;
    },
  };
}
