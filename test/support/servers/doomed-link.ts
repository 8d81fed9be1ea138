/**
 * The way of one process to MongoDB, on which the process dies at a chosen write: from then on, the server gets nothing
 * from the process, and the process gets no answer. A death at a read leaves what the write before it has left.
 */
import { createServer, type Socket, connect as toTarget } from "node:net";
import type { Target } from "./fault-proxy.ts";
import { freePort } from "./free-port.ts";

const WRITES: ReadonlySet<string> = new Set(["insert", "update", "delete"]);
const OP_MSG = 2013;
const HEAD_BYTES = 16;
/** Head, flags, kind of the section, size of the document, type of its first field. */
const NAME_AT = HEAD_BYTES + 4 + 1 + 4 + 1;

export interface Death {
  /** Number of the fatal write, from 1. */
  readonly write: number;
  /** `before`: the server does not get the write. `after`: it carries the write out. */
  readonly moment: "before" | "after";
}

export interface DoomedLink extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Names of the writes since `count`. */
  readonly writes: readonly string[];
  /** Forgets the writes so far, and kills the process at a later one. Without a death it lives on. */
  count(death?: Death): void;
  /** Resolves once the process is dead and the server has answered its fatal write. */
  readonly died: Promise<void>;
}

/** Returns the name of the command, or undefined for other messages. */
function commandOf(message: Buffer): string | undefined {
  if (message.readInt32LE(12) !== OP_MSG || message[HEAD_BYTES + 4] !== 0) return undefined;
  return message.toString("latin1", NAME_AT, message.indexOf(0, NAME_AT));
}

export async function openDoomedLink(target: Target): Promise<DoomedLink> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const died = Promise.withResolvers<void>();
  let death: Death | undefined;
  let writes: string[] = [];
  let isDead = false;

  const die = (): void => {
    isDead = true;
    for (const client of clients) client.destroy();
  };
  const server = createServer((client) => {
    if (isDead) return void client.destroy();
    const upstream = toTarget(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    clients.add(client);
    let pending = Buffer.alloc(0);
    let isFatal = false;
    upstream.on("data", (data) => {
      if (!isDead) client.write(data);
      else if (isFatal) died.resolve();
    });
    upstream.on("close", () => client.destroy());
    client.on("close", () => {
      // The server may still be at work for a dead process.
      if (!isDead) upstream.destroy();
    });
    client.on("data", (data) => {
      pending = Buffer.concat([pending, data as Buffer]);
      while (!isDead && pending.length >= HEAD_BYTES && pending.length >= pending.readInt32LE(0)) {
        const message = pending.subarray(0, pending.readInt32LE(0));
        pending = pending.subarray(message.length);
        const name = commandOf(message);
        const isWrite = name !== undefined && WRITES.has(name);
        if (isWrite) writes.push(name);
        isFatal = isWrite && writes.length === death?.write;
        if (!isFatal || death?.moment === "after") upstream.write(message);
        if (!isFatal) continue;
        die();
        if (death?.moment === "before") died.resolve();
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    address: `127.0.0.1:${port}`,
    get writes() {
      return writes;
    },
    count(next) {
      writes = [];
      death = next;
    },
    died: died.promise,
    async [Symbol.asyncDispose]() {
      die();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
