/** Clients that misbehave over WebSocket. */
import { once } from "node:events";
import { openRawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { eventually } from "../../support/time/eventually.ts";
import { type Attack, junk, PATIENCE_MS, pause } from "./bad-client.ts";
import { closeCode, ended, openUpgraded, PING, sendFrame, TEXT } from "./raw-socket.ts";

const MANY_ROWS =
  "{ gpus { gpus { uuid hostname modelName gpuIndex driverVersion firstSeen lastSeen pod namespace } } }";
const SUBSCRIPTION = "subscription { readings { missed } }";
const QUERIES = 12;
/** Bytes that may wait in this process for a server that does not read. */
const MAX_WAITING = 1024 * 1024;

export const hugeInit: Attack = async ({ url, address, tally }) => {
  const { closed } = await openRawSocket(url, { client: address, init: { junk: junk(1_000_000) } });
  tally(`closed ${await closed}`);
};

export const undeclaredVariables: Attack = async ({ url, address, tally }) => {
  const { told, socket, closed, send } = await openRawSocket(url, { client: address });
  for (let id = 0; id < 4; id++) {
    send(subscribeMessage(String(id), SUBSCRIPTION, { variables: { junk: junk(100_000) } }));
  }
  const code = await Promise.race([once(socket, "message"), closed]);
  tally(typeof code === "number" ? `closed ${code}` : (told.at(-1)?.type ?? "answered"));
  socket.terminate();
};

export const fragments: Attack = async ({ url, address, tally }) => {
  const { socket, status } = await openUpgraded(url, address);
  if (status !== 101) return tally(`upgrade ${status}`);
  const code = closeCode(socket, PATIENCE_MS);
  for (let part = 0; part < 16 && socket.writable; part++) {
    sendFrame(socket, part === 0 ? TEXT : 0, false, Buffer.alloc(1024 * 1024, "a"));
  }
  const closed = await code;
  // The close frame can be lost: the system resets a connection whose data nobody has read.
  tally(closed === 0 ? "reset" : `closed ${closed}`);
};

/** Pings of graphql-transport-ws with long payloads, and pings of the protocol, whose pongs nobody reads. */
export const pings: Attack = async ({ url, address, tally, signal }) => {
  const { socket, send } = await openRawSocket(url, { client: address });
  socket.pause();
  for (let n = 0; n < 50 && socket.bufferedAmount < MAX_WAITING; n++) {
    send({ type: "ping", payload: { text: "x".repeat(90_000) } });
  }
  const raw = await openUpgraded(url, address);
  raw.socket.pause();
  for (let n = 0; n < 20_000 && raw.socket.writableLength < MAX_WAITING; n++) {
    sendFrame(raw.socket, PING, true, Buffer.alloc(125, "p"));
  }
  await pause(500, signal);
  tally("left with pings unread");
  socket.terminate();
  raw.socket.destroy();
};

/** Reads nothing for a while, then everything: each query must have its result, or the socket its code. */
export const resultsUnread: Attack = async ({ url, address, tally, signal }) => {
  const { socket, told, closed, send } = await openRawSocket(url, { client: address });
  socket.pause();
  for (let id = 0; id < QUERIES; id++) send(subscribeMessage(String(id), MANY_ROWS));
  await pause(5000, signal);
  socket.resume();
  const over = () => told.filter(({ type }) => type === "complete" || type === "error").length;
  const outcome = await Promise.race([
    closed.then((code) => `closed ${code}`),
    eventually(() => over() === QUERIES, { what: "results", deadlineMs: PATIENCE_MS }).then(
      () => (JSON.stringify(told).includes("OVERLOADED") ? "some overloaded" : "all answered"),
      () => `no answer to ${QUERIES - over()} of ${QUERIES} queries`,
    ),
  ]);
  tally(outcome);
  socket.terminate();
};

/** All clients of this kind have one address. */
export const everySubscription: Attack = async ({ url, tally, signal }) => {
  const { socket, told, send } = await openRawSocket(url, { client: "198.51.100.1" });
  for (let id = 0; id < 100; id++) send(subscribeMessage(String(id), SUBSCRIPTION));
  await pause(3000, signal);
  tally(JSON.stringify(told).includes("subscriptions") ? "refused by share" : "subscribed");
  socket.terminate();
};

/** A message of which each frame is smaller than the limit, and the last one never comes. */
const withPartialMessage =
  (addressOf: (address: string) => string, heldMs: number): Attack =>
  async ({ url, address, tally, signal }) => {
    const { socket, status } = await openUpgraded(url, addressOf(address));
    if (status === 101) sendFrame(socket, TEXT, false, Buffer.alloc(200_000, "a"));
    await Promise.race([ended(socket), pause(heldMs, signal)]);
    if (status !== 101) tally(`upgrade ${status}`);
    else tally(socket.closed ? "ended by the server" : "left with a partial message");
    socket.destroy();
  };

export const partialMessage = withPartialMessage((address) => address, 5000);
/** The same from one address. The refused ones try again as seldom as the others. */
export const crowd = withPartialMessage(() => "198.51.100.3", 10_000);
