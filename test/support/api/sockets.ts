/** Clients of graphql-transport-ws that keep to no rule, on their own socket each. */
import { once } from "node:events";
import WebSocket from "ws";

const PROTOCOL = "graphql-transport-ws";

export interface Told {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

export interface RawSocket {
  readonly socket: WebSocket;
  readonly told: Told[];
  /** Resolves to the close code; 1006 without a close frame. */
  readonly closed: Promise<number>;
  send(message: object): void;
}

export const subscribeMessage = (id: string, query: string, more: object = {}) => ({
  id,
  type: "subscribe",
  payload: { query, ...more },
});

/** Opens a socket, and waits for the acknowledgement of its `connection_init` unless `init` is null. */
export async function openRawSocket(
  url: string,
  { client, init = {} }: { client?: string; init?: object | null } = {},
): Promise<RawSocket> {
  const headers = client === undefined ? {} : { "x-forwarded-for": client };
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, PROTOCOL, { headers });
  const told: Told[] = [];
  const closed = once(socket, "close").then(([code]) => code as number);
  closed.catch(() => {});
  await once(socket, "open");
  socket.on("error", () => {});
  socket.on("message", (data) => void told.push(JSON.parse(String(data))));
  const send = (message: object) => socket.send(JSON.stringify(message));
  if (init !== null) {
    send({ type: "connection_init", payload: init });
    await Promise.race([once(socket, "message"), closed]);
  }
  return { socket, told, closed, send };
}
