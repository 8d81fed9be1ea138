/** One WebSocket: sends subscription results at the reader's pace, and closes it if the client is silent or stalled. */
import type { Peer } from "crossws";
import type { SocketState } from "../../platform/graphql/socket-link.ts";
import { SocketRoom } from "../../platform/http/socket-room.ts";
import type { SocketPlaces } from "./socket-places.ts";
import { type EndReason, PING_MS, SILENT_MS, STALLED_MS, type Watchdog } from "./watchdog.ts";

/** Close codes after which clients of graphql-transport-ws reconnect. */
const CLOSE: Readonly<Record<EndReason, readonly [code: number, reason: string]>> = {
  silent: [4408, "Nothing was heard for too long"],
  stalled: [4408, "Nothing was read for too long"],
  stopping: [1001, "The server is stopping"],
};
const PING = JSON.stringify({ type: "ping" });

const encode = (result: unknown): string =>
  (result as { readonly stringify?: () => string }).stringify?.() ?? JSON.stringify(result);

export interface SessionParts {
  readonly client: string;
  readonly watchdog: Watchdog;
  readonly places: SocketPlaces;
}

export class SocketSession implements SocketState {
  readonly client: string;
  readonly room: SocketRoom;
  readonly #peer: Peer;
  readonly #places: SocketPlaces;
  readonly #watchdog: Watchdog;
  readonly #running = new Set<AsyncIterator<unknown>>();
  readonly #unwatch: () => void;
  #leave: () => void = () => {};
  #heardAt: number;
  #pingedAt: number;
  #progressAt: number;
  #isPinging = false;
  #seen = { sent: 0, buffered: 0 };
  #closed = false;

  constructor(peer: Peer, { client, watchdog, places }: SessionParts) {
    const now = watchdog.clock.monotonic();
    this.client = client;
    this.room = new SocketRoom(peer, { clock: watchdog.clock });
    this.#peer = peer;
    this.#places = places;
    this.#watchdog = watchdog;
    this.#heardAt = now;
    this.#pingedAt = now;
    this.#progressAt = now;
    this.#unwatch = watchdog.watch({ check: (at) => this.#check(at), stop: () => this.#end("stopping") });
    const leave = places.waiting.take(client);
    if (watchdog.stopped) this.#end("stopping");
    else if (leave === null) this.room.end(1013, places.waiting.refusalOf(client) ?? "");
    else this.#leave = leave;
  }

  heard(): void {
    this.#heardAt = this.#watchdog.clock.monotonic();
  }

  hold(bytes: number): (() => void) | null {
    return this.#places.text.take(this.client, bytes);
  }

  /** Takes a place for the socket, which is now acknowledged. Returns false, and ends the socket, if there is none. */
  settle(): boolean {
    this.#leave();
    const leave = this.#places.settled.take(this.client);
    if (leave === null) this.room.end(1013, this.#places.settled.refusalOf(this.client) ?? "");
    else if (this.#closed) leave();
    else this.#leave = leave;
    return leave !== null;
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
          await this.room.wait();
          if (left || this.#closed || !(await this.room.send(() => `${head}${encode(value)}}`))) break;
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
    this.#leave();
    this.#unwatch();
    for (const source of this.#running) source.return?.()?.catch(() => {});
    this.#running.clear();
  }

  #check(now: number): void {
    const { bufferedAmount: buffered } = this.#peer;
    const { sent } = this.room;
    if (buffered === 0 || buffered < this.#seen.buffered || sent > this.#seen.sent) this.#progressAt = now;
    this.#seen = { sent, buffered };
    if (now - this.#progressAt > STALLED_MS) this.#end("stalled");
    else if (now - this.#heardAt > SILENT_MS) this.#end("silent");
    else if (now - this.#pingedAt >= PING_MS) {
      this.#pingedAt = now;
      void this.#ping();
    }
  }

  /** Sends a ping, unless one already waits for room. */
  async #ping(): Promise<void> {
    if (this.#isPinging) return;
    this.#isPinging = true;
    await this.room.send(PING, { isPing: true });
    this.#isPinging = false;
  }

  #end(reason: EndReason): void {
    const [code, words] = CLOSE[reason];
    this.#watchdog.ended("websocket", reason);
    this.close();
    this.room.end(code, words);
  }
}
