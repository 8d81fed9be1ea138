/** One WebSocket: whose it is, whether somebody is there, and its subscriptions, at the pace at which they are taken. */
import type { Peer } from "crossws";
import { SocketRoom } from "../../platform/http/socket-room.ts";
import type { EndReason, Watchdog } from "./watchdog.ts";

/** Clients of graphql-transport-ws connect again after these. */
const CLOSE: Readonly<Record<EndReason, readonly [code: number, reason: string]>> = {
  silent: [4408, "Nothing was heard for too long"],
  stalled: [4408, "Nothing was read for too long"],
  stopping: [1001, "The server is stopping"],
};
/** For the close to reach a client that still reads. */
const FAREWELL_MS = 1000;
const PING = JSON.stringify({ type: "ping" });

const encode = (result: unknown): string =>
  (result as { readonly stringify?: () => string }).stringify?.() ?? JSON.stringify(result);

export class SocketSession {
  readonly client: string;
  readonly #peer: Peer;
  readonly #room: SocketRoom;
  readonly #watchdog: Watchdog;
  readonly #running = new Set<AsyncIterator<unknown>>();
  readonly #unwatch: () => void;
  #heardAt = performance.now();
  #pingedAt = this.#heardAt;
  #progressAt = this.#heardAt;
  #sent = 0;
  #seen = { sent: 0, buffered: 0 };
  #closed = false;

  constructor(peer: Peer, { client, watchdog }: { client: string; watchdog: Watchdog }) {
    this.client = client;
    this.#peer = peer;
    this.#room = new SocketRoom(peer);
    this.#watchdog = watchdog;
    this.#unwatch = watchdog.watch({ look: (now) => this.#look(now), stop: () => this.#end("stopping") });
    if (watchdog.stopped) this.#end("stopping");
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  /**
   * Sends results itself, each when the one before had room, and gives none of them: one text serves all readers of a
   * frame, where the library would encode it for each. It is over when the results are.
   */
  pump(id: string, results: AsyncIterable<unknown>): AsyncIterableIterator<never> {
    const source = results[Symbol.asyncIterator]();
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const over = { done: true, value: undefined } as const;
    let left = false;
    const pumped: AsyncIterableIterator<never> = {
      next: async () => {
        for (;;) {
          const { done, value } = await source.next();
          if (done || left || this.#closed) break;
          await this.#room.wait();
          if (left || this.#closed) break;
          this.#peer.send(`${head}${encode(value)}}`);
          this.#sent++;
        }
        this.#running.delete(source);
        return over;
      },
      return: async () => {
        left = true;
        this.#running.delete(source);
        await source.return?.();
        return over;
      },
      [Symbol.asyncIterator]: () => pumped,
    };
    this.#running.add(source);
    return pumped;
  }

  /** The socket is closed: nothing goes on. */
  close(): void {
    this.#closed = true;
    this.#unwatch();
    for (const source of this.#running) source.return?.()?.catch(() => {});
    this.#running.clear();
  }

  #look(now: number): void {
    const { patience } = this.#watchdog;
    const { bufferedAmount: buffered } = this.#peer;
    if (buffered === 0 || buffered < this.#seen.buffered || this.#sent > this.#seen.sent) this.#progressAt = now;
    this.#seen = { sent: this.#sent, buffered };
    if (now - this.#progressAt > patience.stalledMs) this.#end("stalled");
    else if (now - this.#heardAt > patience.silentMs) this.#end("silent");
    else if (now - this.#pingedAt >= patience.pingMs) {
      this.#pingedAt = now;
      this.#peer.send(PING);
    }
  }

  #end(reason: EndReason): void {
    const [code, words] = CLOSE[reason];
    this.#watchdog.ended("websocket", reason);
    this.close();
    this.#peer.close(code, words);
    // Whoever reads nothing does not read that either. Deno's sockets end by themselves when a ping is not answered.
    setTimeout(() => {
      if ((this.#peer.websocket.readyState ?? 3) < 3 && "terminate" in this.#peer.websocket) this.#peer.terminate();
    }, FAREWELL_MS);
  }
}
