/** Subscriptions of a subgraph in another process: all on one WebSocket, taken up again when it was cut. */
import type { ExecutionResult, MaybeAsyncIterable } from "@graphql-tools/utils";
import { type GraphQLFormattedError, print } from "graphql";
import { createClient, type SubscribePayload } from "graphql-ws";
import { type SubscribeExtensions, takenMessage } from "../../platform/graphql/pace.ts";
import type { SubgraphContext } from "../../platform/graphql/subgraph.ts";
import { bearer } from "../../platform/http/bearer.ts";
import { backoffMs, systemClock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";
import { Presence } from "./presence.ts";
import { RemoteStream } from "./stream.ts";
import { receiveErrors, type SubgraphRequest, subgraphAway } from "./subgraph.ts";

/** A new subscription is refused when the subgraph cannot be reached for so long. */
const CONNECT_MS = 5000;
/** A quiet connection is asked whether it still is one, and given up without an answer. */
const PING_MS = 5000;
const PONG_MS = 3000;
const RECONNECT = { baseMs: 100, capMs: 2000 };
/** The socket is kept for a moment without subscriptions: a page that is loaded anew comes back at once. */
const LINGER_MS = 10_000;
/** Frames of a subscription that may be on their way to a slow reader. */
const WINDOW = 4;

/** Gives up connecting to what takes connections and answers nothing. */
class ImpatientSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    const timer = setTimeout(() => this.close(), CONNECT_MS);
    for (const event of ["open", "error", "close"]) this.addEventListener(event, () => clearTimeout(timer));
  }
}

export interface RemoteSocketOptions {
  readonly name: string;
  /** ws:// or wss:// */
  readonly url: string;
  /** INTERNAL_TOKEN; null: none is sent. */
  readonly token: string | null;
  readonly log: Logger;
  /** A subscription that was cut is asked for again. */
  readonly onResumed: () => void;
}

export interface RemoteSocket extends AsyncDisposable {
  /** A subscription outlives its connection: the reader notices an interruption by what the subgraph tells of it. */
  subscribe(request: SubgraphRequest, context: SubgraphContext): Promise<MaybeAsyncIterable<ExecutionResult>>;
}

const reasonOf = (event: unknown): string => {
  const { code, reason, message } = event as { code?: number; reason?: string; message?: string };
  return code === undefined ? (message ?? "no connection") : `closed with ${code} ${reason ?? ""}`.trim();
};

/** One connection, made when it is first needed, and made again for as long as somebody needs it. */
function createConnection({ url, token, log }: RemoteSocketOptions) {
  const presence = new Presence(log);
  const ids = new WeakMap<object, string>();
  const waiting = new Set<() => void>();
  let socket: WebSocket | null = null;
  let silence: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url,
    webSocketImpl: ImpatientSocket,
    ...(token === null ? {} : { connectionParams: { authorization: bearer(token) } }),
    generateID: (payload) => ids.get(payload) ?? crypto.randomUUID(),
    lazyCloseTimeout: LINGER_MS,
    keepAlive: PING_MS,
    connectionAckWaitTimeout: CONNECT_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (attempt) => systemClock.sleep(backoffMs(attempt, RECONNECT)),
    on: {
      connected(opened) {
        socket = opened as WebSocket;
        presence.back();
        for (const wake of waiting) wake();
      },
      closed(event) {
        clearTimeout(silence);
        socket = null;
        if ((event as { code?: number }).code !== 1000) presence.away(reasonOf(event));
      },
      error: (event) => presence.away(reasonOf(event)),
      ping: (received) => {
        if (!received) silence = setTimeout(() => client.terminate(), PONG_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(silence);
      },
    },
  });
  return {
    client,
    presence,
    name: (payload: object, id: string) => void ids.set(payload, id),
    current: () => socket,
    /** Whether there is a connection, now or soon. */
    reached: async (signal: AbortSignal | undefined): Promise<boolean> => {
      if (socket !== null) return true;
      const woken = new AbortController();
      const wake = () => woken.abort();
      waiting.add(wake);
      const stop = signal === undefined ? woken.signal : AbortSignal.any([signal, woken.signal]);
      await systemClock.sleep(CONNECT_MS, { signal: stop });
      waiting.delete(wake);
      return socket !== null;
    },
  };
}

export function createRemoteSocket(options: RemoteSocketOptions): RemoteSocket {
  const { name, log, onResumed } = options;
  const connection = createConnection(options);
  const { client, presence } = connection;
  const closed = new AbortController();

  function open(
    stream: RemoteStream,
    { document, variables, operationName }: SubgraphRequest,
    { resumed = false, snapshot = false }: SubgraphContext,
  ): void {
    const id = crypto.randomUUID();
    const extensions: { -readonly [Name in keyof SubscribeExtensions]: SubscribeExtensions[Name] } = {
      window: WINDOW,
      resumed,
      snapshot,
    };
    const payload: SubscribePayload = { query: print(document), variables, operationName, extensions };
    connection.name(payload, id);
    let told: WebSocket | null = null;
    let failures = 0;
    const take = (result: ExecutionResult) => {
      const from = connection.current();
      if (told !== null && told !== from) onResumed();
      told = from;
      failures = 0;
      extensions.resumed = true;
      const taken = () => {
        if (from !== null && from === connection.current()) from.send(takenMessage(id));
      };
      stream.push({ result, taken });
    };
    let leave = () => {};
    const run = () => {
      leave = client.subscribe<ExecutionResult["data"]>(payload, {
        next: ({ data, errors }) =>
          take({
            ...(data === undefined ? {} : { data }),
            ...(errors === undefined ? {} : { errors: receiveErrors(errors, { subgraph: name, log }) }),
          }),
        async error(problem) {
          if (Array.isArray(problem)) {
            const errors = receiveErrors(problem as GraphQLFormattedError[], { subgraph: name, log });
            stream.push({ result: { errors }, taken: () => {} });
            return stream.end();
          }
          // The client gives up on some closes that the next connection need not meet.
          presence.away(reasonOf(problem));
          await systemClock.sleep(backoffMs(failures++, RECONNECT), { signal: stream.ended });
          if (!stream.ended.aborted && !closed.signal.aborted) run();
          else stream.end();
        },
        complete: () => stream.end(),
      });
    };
    stream.ended.addEventListener("abort", () => leave(), { once: true });
    run();
  }

  return {
    async subscribe(request, context) {
      const { signal } = context;
      const stream = new RemoteStream();
      if (signal?.aborted) return stream.return().then(() => stream);
      signal?.addEventListener("abort", () => void stream.return(), { signal: stream.ended });
      open(stream, request, context);
      if (await connection.reached(stream.ended)) return stream;
      await stream.return();
      return subgraphAway(name);
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
      const disposed = (async () => client.dispose())();
      // It waits for a connection that is being made, which may never be.
      if (connection.current() === null) disposed.catch(() => {});
      else await disposed;
    },
  };
}
