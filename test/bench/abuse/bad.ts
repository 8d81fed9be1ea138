/** Misbehaving clients by kind. Each kind is one attack whose cost the product must bound. */
import { type Attack, pause, post } from "./bad-client.ts";
import { badItems, bombs, controlCharacters, farEpochs, foreignPage } from "./bad-internal.ts";
import {
  crowd,
  everySubscription,
  fragments,
  hugeInit,
  partialMessage,
  pings,
  resultsUnread,
  undeclaredVariables,
} from "./bad-sockets.ts";
import { ended, openConnection, statusFrom } from "./raw-socket.ts";

const LARGE_QUERY = "{ gpus { gpus { uuid telemetry(limit: 1000) { telemetry { metricName value timestamp } } } } }";

/** All clients of this kind have one address. */
const everyStream: Attack = async (client) => {
  const uuid = client.uuids[0];
  const stop = new AbortController();
  const streams = Array.from({ length: 8 }, () =>
    fetch(`${client.url}/api/v1/gpus/${uuid}/telemetry`, {
      headers: { accept: "text/csv", "x-forwarded-for": "198.51.100.2" },
      signal: stop.signal,
    }).then(
      ({ status }) => client.tally(`stream ${status}`),
      (error: unknown) => client.tally(`no answer: ${error}`),
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
  const head = `POST /graphql HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: application/json\r\n`;
  socket.write(`${head}X-Forwarded-For: ${address}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const status = await statusFrom(socket);
  socket.pause();
  await Promise.race([ended(socket), pause(40_000, signal)]);
  tally(status === null ? "no answer: ended" : `${status}, ${socket.closed ? "cut by the server" : "left"}`);
  socket.destroy();
};

const idleConnections: Attack = async ({ url, address, tally, signal }) => {
  const sockets = await Promise.all(Array.from({ length: 5 }, () => openConnection(url)));
  for (const socket of sockets) {
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\nX-Forwarded-For: ${address}\r\n\r\n`);
  }
  await pause(10_000, signal);
  tally("left idle");
  for (const socket of sockets) socket.destroy();
};

/** Kinds that need internal services. */
export const INTERNAL: ReadonlySet<string> = new Set(["foreign pages", "bombs", "far epochs", "bad items"]);

/** A kind that runs by itself: many more clients than of the others. */
export const CROWD = "crowd of one address";

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
  bombs,
  "far epochs": farEpochs,
  "bad items": badItems,
  "control characters": controlCharacters,
  [CROWD]: crowd,
};
