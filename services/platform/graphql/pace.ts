/**
 * How a reader of many subscriptions on one WebSocket sets the pace of each: it names a window of frames that may be on
 * their way, and tells each frame that it has taken. Without it a slow reader's frames would pile up on either side;
 * with it they wait in the live feed, which keeps the newest values and counts the others.
 *
 * On the wire: `extensions: { window, resumed, snapshot }` of a `subscribe` message, and a `pong` with payload `{ taken: ID }` for
 * each frame. Callers that send neither are told everything as it comes.
 */

const MAX_WINDOW = 64;

export interface SubscribeExtensions {
  /** Frames that may be on their way at once. */
  readonly window?: number;
  /** The reader had this subscription before and lost it. */
  readonly resumed?: boolean;
  /** The reader wants what there is now, and no more. */
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

/** The subscription that a `pong` is about; undefined: it answers a ping. */
export function readTaken(payload: unknown): string | undefined {
  const { taken } = (payload ?? {}) as Record<string, unknown>;
  return typeof taken === "string" ? taken : undefined;
}

/** Frames of one subscription that may still be sent. */
export class FrameWindow {
  #left: number;
  #opened = () => {};

  constructor(size: number) {
    this.#left = size;
  }

  /** Resolves once there is room for a frame, which is then spoken for; at once after `close`. */
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
