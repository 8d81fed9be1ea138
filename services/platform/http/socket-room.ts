/** Flow control of a WebSocket: senders wait for a slow reader, so that messages neither pile up nor are dropped. */
import type { Peer } from "crossws";

/** How many bytes may be buffered for the reader. Servers drop messages only far beyond this. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const POLL_MS = 10;

export class SocketRoom {
  readonly #peer: Peer;
  #turn: Promise<void> = Promise.resolve();

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Resolves when the caller may send its next message; callers wait in turn. Resolves at once on a closed socket. */
  wait(): Promise<void> {
    this.#turn = this.#turn.then(() =>
      this.#peer.waitForDrain({ threshold: MAX_BUFFERED_BYTES, pollInterval: POLL_MS }),
    );
    return this.#turn;
  }
}
