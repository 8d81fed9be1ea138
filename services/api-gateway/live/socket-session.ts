/** One WebSocket: sends subscription results at the reader's pace, and closes it if the client is silent or stalled. */
import type { Peer } from "crossws";
import { SocketRoom } from "../../platform/http/socket-room.ts";
import { type EndReason, PING_MS, SILENT_MS, STALLED_MS, type Watchdog } from "./watchdog.ts";

/** Close codes after which clients of graphql-transport-ws reconnect. */
const CLOSE: Readonly<Record<EndReason, readonly [code: number, reason: string]>> = {
  silent: [4408, "Nothing was heard for too long"],
  stalled: [4408, "Nothing was read for too long"],
  stopping: [1001, "The server is stopping"],
};
/** How long a client that still reads has to receive the close. */
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
  #heardAt: number;
  #pingedAt: number;
  #progressAt: number;
  #sent = 0;
  #seen = { sent: 0, buffered: 0 };
  #closed = false;

  constructor(peer: Peer, { client, watchdog }: { client: string; watchdog: Watchdog }) {
    const now = watchdog.clock.monotonic();
    this.client = client;
    this.#peer = peer;
    this.#room = new SocketRoom(peer);
    this.#watchdog = watchdog;
    this.#heardAt = now;
    this.#pingedAt = now;
    this.#progressAt = now;
    this.#unwatch = watchdog.watch({ check: (at) => this.#check(at), stop: () => this.#end("stopping") });
    if (watchdog.stopped) this.#end("stopping");
  }

  heard(): void {
    this.#heardAt = this.#watchdog.clock.monotonic();
  }

  /**
   * Sends each result when the socket has room for it. The returned iterator yields nothing, and ends when `results`
   * ends. The library does not get the results, because it would encode a shared result again for each reader. This is
   * not a generator, because a generator's `return` would wait for the next result.
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

  /** Ends every subscription. Called when the socket is closed. */
  close(): void {
    this.#closed = true;
    this.#unwatch();
    for (const source of this.#running) source.return?.()?.catch(() => {});
    this.#running.clear();
  }

  #check(now: number): void {
    const { bufferedAmount: buffered } = this.#peer;
    if (buffered === 0 || buffered < this.#seen.buffered || this.#sent > this.#seen.sent) this.#progressAt = now;
    this.#seen = { sent: this.#sent, buffered };
    if (now - this.#progressAt > STALLED_MS) this.#end("stalled");
    else if (now - this.#heardAt > SILENT_MS) this.#end("silent");
    else if (now - this.#pingedAt >= PING_MS) {
      this.#pingedAt = now;
      this.#peer.send(PING);
    }
  }

  #end(reason: EndReason): void {
    const [code, words] = CLOSE[reason];
    this.#watchdog.ended("websocket", reason);
    this.close();
    this.#peer.close(code, words);
    void this.#terminateLater();
  }

  /** Frees a socket whose client does not read the close. On Deno, an unanswered ping does it. */
  async #terminateLater(): Promise<void> {
    await this.#watchdog.clock.sleep(FAREWELL_MS);
    if ((this.#peer.websocket.readyState ?? 3) < 3 && "terminate" in this.#peer.websocket) this.#peer.terminate();
  }
}
