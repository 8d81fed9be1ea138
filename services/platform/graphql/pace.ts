/**
 * Flow control of the subscriptions that share a WebSocket. The reader sets how many frames may be in flight (the
 * window), and confirms each frame. Without a window, the frames of a slow reader would pile up on either side. With a
 * window they wait in the live feed, which keeps the newest values and counts the others.
 *
 * On the wire:
 * - `extensions` of a `subscribe` message: `{ window?: 1 to 64, resumed?: boolean, snapshot?: boolean }`
 * - `pong` with payload `{ taken: ID }`, ID being the subscription's: the reader has taken one frame
 *
 * A caller that sends neither gets every frame at once.
 */

const MAX_WINDOW = 64;

export interface SubscribeExtensions {
  /** How many frames may be in flight: 1 to 64. Default: no limit. */
  readonly window?: number;
  /** Whether the reader had this subscription before its connection was cut. Default: false. */
  readonly resumed?: boolean;
  /** Whether the subscription ends after the snapshot. Default: false. */
  readonly snapshot?: boolean;
}

export function readSubscribeExtensions(extensions: unknown): Required<SubscribeExtensions> {
  const { window, resumed, snapshot } = (extensions ?? {}) as Record<string, unknown>;
  const isWindow = typeof window === "number" && window >= 1 && window <= MAX_WINDOW;
  return {
    window: isWindow ? window : Number.POSITIVE_INFINITY,
    resumed: resumed === true,
    snapshot: snapshot === true,
  };
}

export const takenMessage = (id: string): string => JSON.stringify({ type: "pong", payload: { taken: id } });

/** Returns the id of the subscription whose frame a `pong` confirms, or undefined if the `pong` answers a ping. */
export function readTaken(payload: unknown): string | undefined {
  const { taken } = (payload ?? {}) as Record<string, unknown>;
  return typeof taken === "string" ? taken : undefined;
}

/** Counts how many more frames of one subscription may be sent. */
export class FrameWindow {
  #left: number;
  #opened = () => {};

  constructor(size: number) {
    this.#left = size;
  }

  /** Waits until a frame may be sent, and counts it. Resolves at once after `close`. */
  async enter(): Promise<void> {
    if (this.#left <= 0) {
      await new Promise<void>((resolve) => {
        this.#opened = resolve;
      });
    }
    this.#left--;
  }

  taken(): void {
    this.#left++;
    this.#opened();
  }

  close(): void {
    this.#left = Number.POSITIVE_INFINITY;
    this.#opened();
  }
}
