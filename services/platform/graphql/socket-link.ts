/** One socket of graphql-transport-ws: its state, and the operations that run on it. */
import type { SocketRoom } from "../http/socket-room.ts";

/** What the server knows of one socket. */
export interface SocketState {
  readonly room: SocketRoom;
  /** The address of the client, whose operations take turns with those of others. */
  readonly client?: string;
  /** Called with each message of the client. */
  heard?(): void;
  /** Takes a part of the text that the operations of all sockets may hold. Returns its release; null: refused. */
  hold?(bytes: number): (() => void) | null;
  /** Called once, when the socket is closed. */
  close(): void;
}

/** What graphql-ws and the server hold of one socket. */
export class Link<State extends SocketState> {
  readonly state: State;
  readonly #running = new Map<string, AbortController>();
  isReady = false;
  textBytes = 0;
  /** Whether the message that is being received must not begin an operation. */
  isOverloaded = false;
  isPonging = false;
  /** The operations that graphql-ws knows, by id. It forgets one at its end, and when the client completes it. */
  known: Readonly<Record<string, unknown>> = {};
  receive: (text: string) => Promise<void> = async () => {};
  signalClosure: (code: number, reason: string) => Promise<void> = async () => {};

  constructor(state: State) {
    this.state = state;
  }

  /** Returns a signal that aborts when the client no longer waits for the operation. */
  begin(id: string): AbortSignal {
    const leaving = new AbortController();
    if (id in this.known && !this.state.room.isEnded) this.#running.set(id, leaving);
    else leaving.abort();
    return leaving.signal;
  }

  /** Stops the operations that the client has completed; after the end of the socket, all. */
  stopLeft({ isClosed = false } = {}): void {
    for (const [id, leaving] of this.#running) {
      if (!isClosed && id in this.known) continue;
      this.#running.delete(id);
      leaving.abort();
    }
  }
}
