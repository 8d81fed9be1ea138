/** Flow control of a WebSocket: messages to a slow reader wait, instead of piling up or being dropped. */
import type { Peer } from "crossws";

/** Bytes that may be buffered for the reader; servers drop messages far beyond that. */
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
