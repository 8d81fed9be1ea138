/** A client that subscribes to everything and reads nothing, over each transport. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const QUERY = 'subscription { readings(minInterval: "100ms") { readings { gpuUuid hostname metricName value } } }';
const frame = (text: string): Uint8Array => {
  const bytes = Buffer.from(text);
  // RFC 6455 wants client frames masked; a mask of zeros keeps the bytes as they are.
  const head =
    bytes.length < 126 ? [0x81, 0x80 | bytes.length] : [0x81, 0x80 | 126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), bytes]);
};

async function opened(url: string): Promise<{ socket: Socket; host: string }> {
  const { host, hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  return { socket, host };
}

export async function openDeafSocket(url: string): Promise<Socket> {
  const { socket, host } = await opened(url);
  socket.write(
    `GET /graphql HTTP/1.1\r\nhost: ${host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "sec-websocket-protocol: graphql-transport-ws\r\n\r\n",
  );
  await once(socket, "data");
  socket.pause();
  socket.write(frame('{"type":"connection_init"}'));
  socket.write(frame(JSON.stringify({ id: "deaf", type: "subscribe", payload: { query: QUERY } })));
  return socket;
}

export async function openDeafStream(url: string): Promise<Socket> {
  const { socket, host } = await opened(url);
  socket.pause();
  const path = `/graphql?query=${encodeURIComponent(QUERY)}`;
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`);
  return socket;
}
