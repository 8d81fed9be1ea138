/** The WebSocket to a subgraph: opened for the first subscription, and reopened while subscriptions need it. */
import { type Client, createClient } from "graphql-ws";
import { bearer } from "../../platform/http/bearer.ts";
import { Availability } from "../../platform/process/availability.ts";
import { backoffMs, type Clock } from "../../platform/process/clock.ts";
import type { Logger } from "../../platform/process/logger.ts";

/** How long a connection attempt may take, and how long a new subscription waits for a connection. */
const CONNECT_MS = 5000;
/** A quiet connection is pinged at this interval. */
const PING_MS = 5000;
/** A connection whose ping is not answered within this time is terminated. */
const PONG_MS = 3000;
export const RECONNECT = { baseMs: 100, capMs: 2000 };
/** How long a socket without subscriptions stays open, for pages that reload and subscribe again at once. */
const LINGER_MS = 10_000;

export interface ConnectionOptions {
  readonly name: string;
  /** ws:// or wss:// */
  readonly url: string;
  /** INTERNAL_TOKEN; null if the subgraph requires none. */
  readonly token: string | null;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface Connection {
  readonly client: Client;
  /** Reports a failure of the connection, as an event of a socket or of the client. */
  lost(event: unknown): void;
  /** Sets the id that the client uses when it subscribes with this payload object. */
  name(payload: object, id: string): void;
  /** Returns the open socket, or null if there is none. */
  current(): WebSocket | null;
  /** Waits up to `CONNECT_MS`, or until `signal` aborts, for an open socket. Returns whether there is one. */
  reached(signal: AbortSignal): Promise<boolean>;
}

/** Returns a WebSocket class that closes itself if the handshake takes longer than `CONNECT_MS`. */
const impatientSocket = (clock: Clock): typeof WebSocket =>
  class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      const settled = new AbortController();
      for (const event of ["open", "error", "close"]) this.addEventListener(event, () => settled.abort());
      void clock.sleep(CONNECT_MS, { signal: settled.signal }).then(() => {
        if (!settled.signal.aborted) this.close();
      });
    }
  };

const reasonOf = (event: unknown): string => {
  const { code, reason, message } = event as { code?: number; reason?: string; message?: string };
  return code === undefined ? (message ?? "no connection") : `closed with ${code} ${reason ?? ""}`.trim();
};

export function createConnection({ name, url, token, log, clock }: ConnectionOptions): Connection {
  const availability = new Availability(`${name} over WebSocket`, { log, clock });
  const ids = new WeakMap<object, string>();
  const waiting = new Set<() => void>();
  let socket: WebSocket | null = null;
  let pong = new AbortController();
  const lost = (event: unknown) => availability.down(reasonOf(event));

  async function expectPong(): Promise<void> {
    pong = new AbortController();
    const { signal } = pong;
    await clock.sleep(PONG_MS, { signal });
    if (!signal.aborted) client.terminate();
  }

  const client = createClient({
    url,
    webSocketImpl: impatientSocket(clock),
    ...(token === null ? {} : { connectionParams: { authorization: bearer(token) } }),
    generateID: (payload) => ids.get(payload) ?? crypto.randomUUID(),
    lazyCloseTimeout: LINGER_MS,
    keepAlive: PING_MS,
    connectionAckWaitTimeout: CONNECT_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (attempt) => clock.sleep(backoffMs(attempt, RECONNECT)),
    on: {
      connected(opened) {
        socket = opened as WebSocket;
        availability.up();
        for (const wake of waiting) wake();
      },
      closed(event) {
        pong.abort();
        socket = null;
        if ((event as { code?: number }).code !== 1000) lost(event);
      },
      error: lost,
      ping: (received) => {
        if (!received) void expectPong();
      },
      pong: (received) => {
        if (received) pong.abort();
      },
    },
  });

  return {
    client,
    lost,
    name: (payload, id) => void ids.set(payload, id),
    current: () => socket,
    async reached(signal) {
      if (socket !== null) return true;
      const woken = new AbortController();
      const wake = () => woken.abort();
      waiting.add(wake);
      await clock.sleep(CONNECT_MS, { signal: AbortSignal.any([signal, woken.signal]) });
      waiting.delete(wake);
      return socket !== null;
    },
  };
}
