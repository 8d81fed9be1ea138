/** Sends on a WebSocket: messages to a slow reader wait, so that they neither pile up nor are dropped. */
import type { Peer } from "crossws";
import type { Clock } from "../process/clock.ts";

/** How many bytes may be buffered for the reader when a message is sent. */
export const MAX_BUFFERED_BYTES = 1024 * 1024;
/** How many characters may wait for room. A single message may be longer, as the answers of subgraphs may be. */
const MAX_WAITING = 64 * 1024 * 1024;
const POLL_MS = 10;
/** How long a client that still reads has to receive the close. */
const FAREWELL_MS = 1000;
const OPEN = 1;
/** The close code for a message that cannot be sent: clients of graphql-transport-ws connect again. */
const TRY_AGAIN = 1013;

export class SocketRoom {
  readonly #peer: Peer;
  readonly #clock: Clock;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #sent = 0;
  #isEnded = false;

  constructor(peer: Peer, { clock }: { clock: Clock }) {
    this.#peer = peer;
    this.#clock = clock;
  }

  /** Number of messages that were sent, without pings and pongs, which say nothing about progress. */
  get sent(): number {
    return this.#sent;
  }

  /** True once the socket is closed, or ended by the server. Messages are then dropped. */
  get isEnded(): boolean {
    return this.#isEnded || (this.#peer.websocket.readyState ?? OPEN) > OPEN;
  }

  /** Resolves when there is room for a message; callers wait in turn. Resolves at once on a closed socket. */
  async wait(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#drained());
    await this.#turn;
  }

  /**
   * Sends `text` when there is room for it; messages are sent in the order of the calls. Resolves to false when the
   * socket closed before. A message that cannot be sent ends the socket with 1013.
   * @param text the message, or a function that makes it when there is room
   * @param isPing for pings and pongs
   */
  async send(text: string | (() => string), { isPing = false } = {}): Promise<boolean> {
    const length = typeof text === "string" ? text.length : 0;
    if (this.#waiting > 0 && this.#waiting + length > MAX_WAITING) {
      this.end(TRY_AGAIN, "Too much text waits for this reader");
      return false;
    }
    this.#waiting += length;
    const sent = this.#turn.then(async () => {
      await this.#drained();
      this.#waiting -= length;
      const isSent = this.#deliver(typeof text === "string" ? text : text());
      if (isSent && !isPing) this.#sent++;
      return isSent;
    });
    this.#turn = sent;
    return sent;
  }

  /** Closes the socket, and terminates it when its client does not read the close either. */
  end(code: number, reason: string): void {
    if (this.isEnded) return;
    this.#isEnded = true;
    this.#peer.close(code, reason);
    void this.#terminateLater();
  }

  async #drained(): Promise<void> {
    if (!this.isEnded) await this.#peer.waitForDrain({ threshold: MAX_BUFFERED_BYTES, pollInterval: POLL_MS });
  }

  #deliver(text: string): boolean {
    if (this.isEnded) return false;
    // Bun returns 0 for a message that it dropped; Deno throws.
    let status: unknown;
    try {
      status = this.#peer.send(text);
    } catch {
      status = 0;
    }
    if (status === 0) this.end(TRY_AGAIN, "A message could not be sent");
    return status !== 0;
  }

  /** Frees a socket whose client does not read the close. On Deno, an unanswered ping does it. */
  async #terminateLater(): Promise<void> {
    await this.#clock.sleep(FAREWELL_MS);
    if ((this.#peer.websocket.readyState ?? 3) < 3 && "terminate" in this.#peer.websocket) this.#peer.terminate();
  }
}
