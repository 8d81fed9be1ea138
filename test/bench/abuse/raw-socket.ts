/** Connections without a client library, for what no library would send. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export async function openConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Opens a WebSocket of the API. Its frames are sent with `sendFrame`. */
export async function openUpgraded(url: string, client: string): Promise<Socket> {
  const socket = await openConnection(url);
  const lines = [
    "GET /graphql HTTP/1.1",
    `Host: ${new URL(url).host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: graphql-transport-ws",
    `X-Forwarded-For: ${client}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await once(socket, "data");
  return socket;
}

/** Sends a frame whose mask is all zeros. @param opcode 0 continues, 1 is text, 9 is a ping */
export function sendFrame(socket: Socket, opcode: number, isLast: boolean, payload: Buffer): void {
  const head = Buffer.alloc(14);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  socket.write(Buffer.concat([head, payload]));
}

/** Resolves to the code of the close frame, to 0 if the connection ends without one, to -1 if neither comes in time. */
export async function closeCode(socket: Socket, patienceMs: number): Promise<number> {
  let received = Buffer.alloc(0);
  socket.on("data", (data) => {
    received = Buffer.concat([received, data as Buffer]).subarray(-4096);
  });
  const timer = setTimeout(() => socket.emit("patience"), patienceMs);
  const ended = await Promise.race([
    once(socket, "close").then(() => true),
    once(socket, "patience").then(() => false),
  ]);
  clearTimeout(timer);
  socket.destroy();
  const at = received.lastIndexOf(Buffer.from([0x88]));
  if (at !== -1 && received.length >= at + 4) return received.readUInt16BE(at + 2);
  return ended ? 0 : -1;
}
