/** Misbehaving clients. Each kind is one attack whose cost the product must bound. */
import { once } from "node:events";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { closeCode, openConnection, openUpgraded, sendFrame } from "./raw-socket.ts";

export interface Target {
  readonly url: string;
  /** Services that only the gateway and its peers should call; none when embedded. */
  readonly internal: readonly string[];
  readonly queue: string | null;
  readonly internalToken: string;
  readonly uuids: readonly string[];
}

export interface BadClient extends Target {
  readonly address: string;
  readonly signal: AbortSignal;
  /** Counts an outcome: a status, a close code, or what the client did. */
  readonly tally: (outcome: string) => void;
}

/** One round of an attack. Runs again after a pause until the bench ends. */
export type Attack = (client: BadClient) => Promise<void>;

const JSON_TYPE = "application/json";
const LARGE_QUERY = "{ gpus { gpus { uuid telemetry(limit: 1000) { telemetry { metricName value timestamp } } } } }";
const MANY_ROWS =
  "{ gpus { gpus { uuid hostname modelName gpuIndex driverVersion firstSeen lastSeen pod namespace } } }";
/** JSON that takes many times its length in memory. */
const junk = (characters: number): object[] => Array.from({ length: Math.floor(characters / 3) }, () => ({}));

/** The status of an answer that is read to its end; it must have one. */
async function statusOf({ address, signal }: BadClient, url: string, init: RequestInit = {}): Promise<string> {
  const headers = { "x-forwarded-for": address, ...(init.headers as Record<string, string>) };
  try {
    const response = await fetch(url, {
      ...init,
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]),
    });
    const text = await response.text();
    return text.includes('"errors"') ? `${response.status} with errors` : String(response.status);
  } catch (error) {
    return signal.aborted ? "left at the end" : `no answer: ${error instanceof Error ? error.name : error}`;
  }
}

const post = (client: BadClient, url: string, body: string, headers: Record<string, string> = {}) =>
  statusOf(client, url, { method: "POST", headers: { "content-type": JSON_TYPE, ...headers }, body });

const token = ({ internalToken }: BadClient) => ({ authorization: `Bearer ${internalToken}` });

/** A page of another origin calls internal services. */
const foreignPage: Attack = async (client) => {
  for (const url of client.internal) {
    const headers = { origin: "http://evil.example", "content-type": "text/plain", ...token(client) };
    client.tally(await post(client, `${url}/graphql`, '{"query":"{ __typename }"}', headers));
  }
  if (client.queue !== null) {
    client.tally(
      await post(client, `${client.queue}/v1/dead-letters/purge`, "{}", { origin: "null", ...token(client) }),
    );
  }
};

const hugeInit: Attack = async ({ url, address, tally }) => {
  const { closed } = await openRawSocket(url, { client: address, init: { junk: junk(1_000_000) } });
  tally(`closed ${await closed}`);
};

const undeclaredVariables: Attack = async ({ url, address, tally }) => {
  const { told, socket, closed, send } = await openRawSocket(url, { client: address });
  for (let id = 0; id < 4; id++) {
    send(subscribeMessage(String(id), "subscription { readings { missed } }", { variables: { junk: junk(100_000) } }));
  }
  await Promise.race([once(socket, "message"), closed]);
  tally(told.at(-1)?.type ?? "nothing");
  socket.terminate();
};

const fragments: Attack = async ({ url, address, tally }) => {
  const socket = await openUpgraded(url, address);
  const code = closeCode(socket, 10_000);
  for (let part = 0; part < 16 && socket.writable; part++) {
    sendFrame(socket, part === 0 ? 1 : 0, false, Buffer.alloc(1024 * 1024, "a"));
  }
  const closed = await code;
  // The close frame can be lost: the system resets a connection whose data nobody has read.
  tally(closed === 0 ? "reset" : `closed ${closed}`);
};

/** Pings with long payloads, whose pongs nobody reads. */
const pings: Attack = async ({ url, address, tally }) => {
  const { socket, send } = await openRawSocket(url, { client: address });
  socket.pause();
  for (let n = 0; n < 50; n++) send({ type: "ping", payload: { text: "x".repeat(90_000) } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  tally("left with pings unread");
  socket.terminate();
};

const resultsUnread: Attack = async ({ url, address, tally, signal }) => {
  const { socket, send } = await openRawSocket(url, { client: address });
  socket.pause();
  for (let id = 0; id < 12; id++) send(subscribeMessage(String(id), MANY_ROWS));
  await Promise.race([once(signal, "abort"), new Promise((resolve) => setTimeout(resolve, 5000))]);
  tally("left with results unread");
  socket.terminate();
};

/** All clients of this kind have one address. */
const everySubscription: Attack = async ({ url, tally }) => {
  const { socket, told, send } = await openRawSocket(url, { client: "198.51.100.1" });
  for (let id = 0; id < 100; id++) send(subscribeMessage(String(id), "subscription { readings { missed } }"));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  tally(JSON.stringify(told).includes("subscriptions") ? "refused by share" : "subscribed");
  socket.terminate();
};

const everyStream: Attack = async (client) => {
  const uuid = client.uuids[0];
  const stop = new AbortController();
  const streams = Array.from({ length: 8 }, () =>
    fetch(`${client.url}/api/v1/gpus/${uuid}/telemetry`, {
      headers: { accept: "text/csv", "x-forwarded-for": "198.51.100.2" },
      signal: stop.signal,
    }).then(
      ({ status }) => client.tally(`stream ${status}`),
      () => {},
    ),
  );
  await Promise.all(streams);
  stop.abort();
};

const largestQueries: Attack = async (client) =>
  client.tally(await post(client, `${client.url}/graphql`, JSON.stringify({ query: LARGE_QUERY })));

/** Reads the first bytes of a large answer, and keeps the connection. */
const firstBytesOnly: Attack = async ({ url, address, tally, signal }) => {
  const socket = await openConnection(url);
  const body = JSON.stringify({ query: LARGE_QUERY });
  const head = `POST /graphql HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: ${JSON_TYPE}\r\n`;
  socket.write(`${head}X-Forwarded-For: ${address}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const first = once(socket, "data").then(() => socket.pause());
  await Promise.race([first, once(socket, "close")]);
  await Promise.race([
    once(signal, "abort"),
    once(socket, "close"),
    new Promise((resolve) => setTimeout(resolve, 40_000)),
  ]);
  tally(socket.closed ? "cut by the server" : "left");
  socket.destroy();
};

const idleConnections: Attack = async ({ url, address, tally, signal }) => {
  const sockets = await Promise.all(Array.from({ length: 5 }, () => openConnection(url)));
  for (const socket of sockets) {
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\nX-Forwarded-For: ${address}\r\n\r\n`);
  }
  await Promise.race([once(signal, "abort"), new Promise((resolve) => setTimeout(resolve, 10_000))]);
  tally("left idle");
  for (const socket of sockets) socket.destroy();
};

/** A message that never ends: 1 MB of text in one frame after another, each smaller than the limit. */
const partialMessage: Attack = async ({ url, address, tally, signal }) => {
  const socket = await openUpgraded(url, address);
  sendFrame(socket, 1, false, Buffer.alloc(200_000, "a"));
  await Promise.race([
    once(signal, "abort"),
    once(socket, "close"),
    new Promise((resolve) => setTimeout(resolve, 5000)),
  ]);
  tally("left with a partial message");
  socket.destroy();
};

/** A publish with many bad items, and one with an epoch far ahead. */
const badPublishes: Attack = async (client) => {
  if (client.queue === null) return foreignPage(client);
  const batches = Array.from({ length: 20_000 }, () => ({ seq: -1, readings: "many", position: null }));
  const frames = (head: object) => {
    const text = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text]).toString("latin1");
  };
  const headers = { "content-type": "application/octet-stream", ...token(client) };
  const url = `${client.queue}/v1/batches`;
  client.tally(await post(client, url, frames({ producer: "evil@0/1", epoch: 1, batches }), headers));
  client.tally(await post(client, url, frames({ producer: "evil@0/1", epoch: 2 ** 53 - 1, batches: [] }), headers));
};

export const ATTACKS: Readonly<Record<string, Attack>> = {
  "foreign pages": foreignPage,
  "connection_init of 1 MB": hugeInit,
  "undeclared variables": undeclaredVariables,
  "fragments of 16 MiB": fragments,
  "pings unread": pings,
  "results unread": resultsUnread,
  "every subscription": everySubscription,
  "every stream": everyStream,
  "largest queries": largestQueries,
  "first bytes only": firstBytesOnly,
  "idle connections": idleConnections,
  "partial messages": partialMessage,
  "bad publishes": badPublishes,
};
