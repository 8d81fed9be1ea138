/**
 * Ports that a server can reuse after a restart: below the range of ephemeral ports, and in blocks that belong to one
 * process, so that no parallel test takes a port between its choice and the start of its server.
 */
import { createServer, type Server } from "node:net";

const FIRST = 12_000;
const END = 32_000;
/** The first port of a block is its lock: the owner listens on it until it ends. */
const BLOCK = 100;

interface Block {
  readonly lock: Server;
  readonly end: number;
  next: number;
}

/** Null: another process uses the port. */
const listenOn = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });

async function takeBlock(): Promise<Block> {
  for (;;) {
    const first = FIRST + BLOCK * Math.floor((Math.random() * (END - FIRST)) / BLOCK);
    const lock = await listenOn(first);
    if (lock !== null) return { lock: lock.unref(), end: first + BLOCK, next: first + 1 };
  }
}

let taken: Promise<Block> | undefined;

export async function freePort(): Promise<number> {
  for (;;) {
    taken ??= takeBlock();
    const current = taken;
    const block = await current;
    if (block.next === block.end) {
      // The full block stays locked: its ports are in use until this process ends.
      if (taken === current) taken = takeBlock();
      continue;
    }
    const port = block.next++;
    const server = await listenOn(port);
    if (server === null) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
