/** Room on a WebSocket: its messages wait while the reader is slow, instead of piling up or being dropped. */
import type { Peer } from "crossws";

/** Bytes that may lie between us and the reader; servers drop what is sent far beyond. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const POLL_MS = 10;

export class SocketRoom {
  readonly #peer: Peer;
  #turn: Promise<void> = Promise.resolve();

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Resolves when the next message may be sent, one after the other; at once when the socket is closed. */
  wait(): Promise<void> {
    this.#turn = this.#turn.then(() =>
      this.#peer.waitForDrain({ threshold: MAX_BUFFERED_BYTES, pollInterval: POLL_MS }),
    );
    return this.#turn;
  }
}
