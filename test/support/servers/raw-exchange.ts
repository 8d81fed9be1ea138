/** Sends bytes to a server on a connection of its own, and reads which answers come back. */
import { once } from "node:events";
import { connect } from "node:net";
import { eventually } from "../time/eventually.ts";

export interface RawExchange {
  /** The status of each answer, in order. */
  readonly statuses: readonly number[];
  /** Whether the server has closed the connection. */
  readonly isClosed: boolean;
}

/** Resolves when the server has closed the connection, or has given `answers` answers. */
export async function rawExchange(url: string, sent: string, answers: number): Promise<RawExchange> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = "";
  let isClosed = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  try {
    await once(socket, "connect");
    socket.write(sent);
    await eventually(() => isClosed || statuses().length >= answers, { what: `${answers} answers or a closed socket` });
    return { statuses: statuses(), isClosed };
  } finally {
    socket.destroy();
  }
}
