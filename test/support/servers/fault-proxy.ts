/**
 * A TCP proxy that breaks connections on demand, for HTTP, Redis and MongoDB. It balances several targets in turn, like
 * the service address of a cluster. It buffers at most one chunk per direction, so a slow reader slows the writer.
 */
import { createServer, type Server, type Socket, connect as toTarget } from "node:net";
import { freePort } from "./free-port.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Selects the exchanges that a fault hits. */
export interface ExchangeFilter {
  /** Text that the request must contain. Absent: any request. */
  readonly carrying?: string | undefined;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly connections: number;
  /** Number of connections that a fault has hit so far. */
  readonly hits: number;
  /**
   * Passes each of the next `exchanges` matching requests to the target, and cuts its connection instead of passing the
   * answer. Replaces the exchanges that are left from an earlier call.
   */
  cutAfterRequest(exchanges: number, filter?: ExchangeFilter): void;
  /** Drops answers until disposed, then cuts the connections that missed one, because their streams have holes. */
  dropReplies(): Disposable;
  /** Passes no bytes until disposed. Open connections stay open; new ones are accepted and wait too. */
  stall(): Disposable;
  /** Refuses new connections until disposed. Open connections stay. */
  refuse(): Promise<AsyncDisposable>;
  /** Cuts every connection. @returns their number */
  cutAll(): number;
}

/** @param targets tried again for every connection, so targets may come and go */
export async function openFaultProxy(...targets: readonly Target[]): Promise<FaultProxy> {
  const proxy = new TcpProxy(targets, await freePort());
  await proxy.listen();
  return proxy;
}

class TcpProxy implements FaultProxy {
  readonly port: number;
  readonly links = new Set<Link>();
  hits = 0;
  /** Faults may overlap, so each kind counts its active ones. */
  dropping = 0;
  stalled = 0;
  readonly #targets: readonly Target[];
  #server: Server | undefined;
  #turn = 0;
  #armed: { exchanges: number; readonly carrying: Buffer | null } = { exchanges: 0, carrying: null };

  constructor(targets: readonly Target[], port: number) {
    this.#targets = targets;
    this.port = port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.links.size;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => void this.#accept(client));
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", () => resolve());
      this.#server = server;
    });
  }

  cutAfterRequest(exchanges: number, { carrying }: ExchangeFilter = {}): void {
    this.#armed = { exchanges, carrying: carrying === undefined ? null : Buffer.from(carrying) };
  }

  /** Whether this piece of a request matches, so that its connection is cut at the answer. */
  dooms(piece: Buffer): boolean {
    const { exchanges, carrying } = this.#armed;
    if (exchanges === 0 || (carrying !== null && !piece.includes(carrying))) return false;
    this.#armed.exchanges--;
    return true;
  }

  dropReplies(): Disposable {
    this.dropping++;
    return {
      [Symbol.dispose]: () => {
        this.dropping--;
        if (this.dropping > 0) return;
        for (const link of this.links) if (link.hasHole) link.cut();
      },
    };
  }

  stall(): Disposable {
    this.stalled++;
    for (const link of this.links) link.pace();
    return {
      [Symbol.dispose]: () => {
        this.stalled--;
        for (const link of this.links) link.pace();
      },
    };
  }

  async refuse(): Promise<AsyncDisposable> {
    this.#unlisten();
    return { [Symbol.asyncDispose]: () => this.listen() };
  }

  cutAll(): number {
    const links = [...this.links];
    for (const link of links) link.cut();
    return links.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unlisten();
    for (const link of this.links) link.cut();
  }

  /** Does not wait for `close`, which waits for the connections that stay. */
  #unlisten(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  async #accept(client: Socket): Promise<void> {
    client.on("error", () => {});
    const target = await this.#reach();
    if (target === null || client.destroyed || this.#server === undefined) {
      client.destroy();
      target?.destroy();
      return;
    }
    new Link(this, client, target).begin();
  }

  /** Connects to the next target in turn that accepts; null: no target does. */
  async #reach(): Promise<Socket | null> {
    for (let tried = 0; tried < this.#targets.length; tried++) {
      const target = this.#targets[this.#turn++ % this.#targets.length] as Target;
      const socket = await new Promise<Socket | null>((resolve) => {
        const attempt = toTarget({ ...target, allowHalfOpen: true, noDelay: true });
        attempt.once("connect", () => resolve(attempt));
        attempt.once("error", () => resolve(null));
      });
      if (socket !== null) return socket;
    }
    return null;
  }
}

/** One connection: passes bytes from the client to the target, and back. */
class Link {
  /** Whether an answer was dropped. */
  hasHole = false;
  readonly #proxy: TcpProxy;
  readonly #client: Socket;
  readonly #target: Socket;
  /** Paused sockets: their peer has not read the last piece yet. */
  readonly #waiting = new Set<Socket>();
  #doomed = false;

  constructor(proxy: TcpProxy, client: Socket, target: Socket) {
    this.#proxy = proxy;
    this.#client = client;
    this.#target = target;
  }

  begin(): void {
    this.#proxy.links.add(this);
    this.#client.setNoDelay(true);
    this.#join(this.#client, this.#target, (piece) => {
      this.#doomed ||= this.#proxy.dooms(piece);
      return true;
    });
    this.#join(this.#target, this.#client, () => this.#answers());
    this.pace();
  }

  /** Pauses a socket while the proxy is stalled or the peer is slow, and resumes it otherwise. */
  pace(): void {
    for (const socket of [this.#client, this.#target]) {
      if (this.#proxy.stalled > 0 || this.#waiting.has(socket)) socket.pause();
      else socket.resume();
    }
  }

  cut(): void {
    this.#proxy.hits++;
    this.#close();
  }

  /** Whether an answer passes. */
  #answers(): boolean {
    if (this.#doomed) {
      this.cut();
      return false;
    }
    if (this.#proxy.dropping === 0) return true;
    this.hasHole = true;
    return false;
  }

  #join(from: Socket, to: Socket, passes: (piece: Buffer) => boolean): void {
    from.on("data", (piece: Buffer) => {
      if (!passes(piece) || to.write(piece)) return;
      this.#waiting.add(from);
      this.pace();
      to.once("drain", () => {
        this.#waiting.delete(from);
        this.pace();
      });
    });
    from.on("end", () => to.end());
    from.on("error", () => this.#close());
    from.on("close", () => this.#close());
  }

  #close(): void {
    if (!this.#proxy.links.delete(this)) return;
    this.#client.destroy();
    this.#target.destroy();
  }
}
