/** One source of frames, many readers: each frame is made once, and nobody waits for anybody. */

/** Frames that a reader may be behind the fastest one, before it has begun to read. */
const MAX_BEFORE = 64;

export type Taken<T> =
  | { readonly kind: "frame"; readonly frame: T }
  /** It was too slow, and has left: what it missed is gone. */
  | { readonly kind: "behind" }
  | { readonly kind: "end" };

const BEHIND = { kind: "behind" } as const;
const END = { kind: "end" } as const;

/** Reads one after the other: the next `take` comes after the one before was answered. */
export class RelayReader<T> {
  readonly #relay: Relay<T>;
  readonly #frames: T[] = [];
  #state: "reading" | "behind" | "ended" = "reading";
  #failure: { readonly error: unknown } | null = null;
  #waiting: { resolve: (taken: Taken<T>) => void; reject: (error: unknown) => void } | null = null;
  #reads = false;

  constructor(relay: Relay<T>) {
    this.#relay = relay;
  }

  get isHungry(): boolean {
    return this.#waiting !== null;
  }

  take(): Promise<Taken<T>> {
    this.#reads = true;
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve({ kind: "frame", frame });
    if (this.#failure !== null) return Promise.reject(this.#failure.error);
    if (this.#state !== "reading") return Promise.resolve(this.#state === "behind" ? BEHIND : END);
    const taken = new Promise<Taken<T>>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#relay.pull();
    return taken;
  }

  /** False: it is too far behind. */
  push(frame: T): boolean {
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting.resolve({ kind: "frame", frame });
      return true;
    }
    if (this.#frames.length >= (this.#reads ? this.#relay.maxBehind : MAX_BEFORE)) {
      this.#frames.length = 0;
      this.#state = "behind";
      return false;
    }
    this.#frames.push(frame);
    return true;
  }

  end(failure: { readonly error: unknown } | null): void {
    if (this.#state === "reading") this.#state = "ended";
    this.#failure = failure;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (failure === null) waiting?.resolve(END);
    else waiting?.reject(failure.error);
  }

  leave(): void {
    this.#frames.length = 0;
    this.end(null);
    this.#relay.remove(this);
  }
}

export interface RelayOptions {
  /** Told once, when there is nothing more to come. */
  readonly onEnd: () => void;
  /** Frames that a reader may be behind the fastest one. */
  readonly maxBehind: number;
}

/** The source is asked for a frame when the fastest reader wants one: it may conflate what comes meanwhile. */
export class Relay<T> {
  readonly #source: AsyncIterator<T>;
  readonly #options: RelayOptions;
  readonly #readers = new Set<RelayReader<T>>();
  #pulling = false;
  #started = false;
  #ended: { readonly failure: { readonly error: unknown } | null } | null = null;

  constructor(source: AsyncIterator<T>, options: RelayOptions) {
    this.#source = source;
    this.#options = options;
  }

  get maxBehind(): number {
    return this.#options.maxBehind;
  }

  /** False: whoever joins now misses nothing. */
  get started(): boolean {
    return this.#started;
  }

  join(): RelayReader<T> {
    const reader = new RelayReader<T>(this);
    if (this.#ended === null) this.#readers.add(reader);
    else reader.end(this.#ended.failure);
    return reader;
  }

  remove(reader: RelayReader<T>): void {
    this.#readers.delete(reader);
  }

  pull(): void {
    if (this.#pulling || this.#ended !== null) return;
    this.#pulling = true;
    this.#started = true;
    this.#source.next().then(
      (result) => {
        this.#pulling = false;
        if (result.done) return this.#end(null);
        for (const reader of this.#readers) if (!reader.push(result.value)) this.remove(reader);
        for (const reader of this.#readers) if (reader.isHungry) return this.pull();
      },
      (error: unknown) => this.#end({ error }),
    );
  }

  /** Ends the source, and with it all readers. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    this.#end(null);
    await this.#source.return?.();
  }

  #end(failure: { readonly error: unknown } | null): void {
    if (this.#ended !== null) return;
    this.#ended = { failure };
    for (const reader of this.#readers) reader.end(failure);
    this.#readers.clear();
    this.#options.onEnd();
  }
}
