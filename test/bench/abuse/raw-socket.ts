/** Connections without a client library, for what no library would send. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Opcodes of RFC 6455; 0 continues a message. */
export const TEXT = 1;
export const PING = 9;
const CLOSE = 0x88;

export async function openConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** Resolves when the connection has ended, however it ended. */
export const ended = (socket: Socket): Promise<undefined> =>
  new Promise((resolve) => {
    if (socket.closed) return resolve(undefined);
    socket.once("close", () => resolve(undefined));
  });

/** Resolves to the status of an answer, which begins with `HTTP/1.1 `; to null if the connection ends before. */
export async function statusFrom(socket: Socket): Promise<number | null> {
  let text = "";
  const { promise, resolve } = Promise.withResolvers<number>();
  const read = (data: Buffer) => {
    text += data.toString("latin1", 0, 12);
    if (text.length >= 12) resolve(Number(text.slice(9, 12)));
  };
  socket.on("data", read);
  const status = await Promise.race([promise, ended(socket).then(() => null)]);
  socket.off("data", read);
  return status;
}

/** Asks for a WebSocket of the API. With status 101, frames are sent with `sendFrame`. */
export async function openUpgraded(url: string, client: string): Promise<{ socket: Socket; status: number }> {
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
  const status = await statusFrom(socket);
  if (status === null) throw new Error("The connection ended before an answer");
  return { socket, status };
}

/** Sends a frame whose mask is all zeros. */
export function sendFrame(socket: Socket, opcode: number, isLast: boolean, payload: Buffer): void {
  const isShort = payload.length < 126;
  const head = Buffer.alloc(isShort ? 6 : 14);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (isShort ? payload.length : 127);
  if (!isShort) head.writeBigUInt64BE(BigInt(payload.length), 2);
  socket.write(Buffer.concat([head, payload]));
}

/** Resolves to the code of the close frame, to 0 if the connection ends without one, to -1 if neither comes in time. */
export async function closeCode(socket: Socket, patienceMs: number): Promise<number> {
  let received = Buffer.alloc(0);
  const { promise: closing, resolve } = Promise.withResolvers<boolean>();
  socket.on("data", (data) => {
    received = Buffer.concat([received, data as Buffer]).subarray(-4096);
    if (received.lastIndexOf(CLOSE) !== -1) resolve(true);
  });
  const timer = setTimeout(() => resolve(false), patienceMs);
  const hasEnded = await Promise.race([ended(socket).then(() => true), closing]);
  clearTimeout(timer);
  socket.destroy();
  const at = received.lastIndexOf(CLOSE);
  if (at !== -1 && received.length >= at + 4) return received.readUInt16BE(at + 2);
  return hasEnded ? 0 : -1;
}
