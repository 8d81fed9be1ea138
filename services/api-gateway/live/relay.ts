/** Relays frames of one source to many readers: the source makes each frame once, and no reader waits for another. */
import { Mailbox } from "../../platform/process/mailbox.ts";

/** How many frames may wait for a reader that has not begun to read. */
const MAX_BEFORE = 64;

/** The frames that wait for one reader. The reader must not call `next()` before the previous call has settled. */
export class RelayReader<T> {
  readonly #relay: Relay<T>;
  readonly #frames = new Mailbox<T>({ capacity: MAX_BEFORE });
  #isBehind = false;
  #hasBegun = false;

  constructor(relay: Relay<T>) {
    this.#relay = relay;
  }

  get isAwaited(): boolean {
    return this.#frames.isAwaited;
  }

  /** True when the reader was too slow. The frames that waited are dropped, and the reader gets no more. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Returns the next frame. If no frame waits, asks the relay for one. @throws the error of the source */
  next(): Promise<IteratorResult<T>> {
    this.#hasBegun = true;
    const result = this.#frames.next();
    if (this.#frames.isAwaited) this.#relay.pull();
    return result;
  }

  /** Adds a frame. Returns false if too many frames wait already: the reader has then fallen behind. */
  push(frame: T): boolean {
    const frames = this.#frames;
    const maxWaiting = this.#hasBegun ? this.#relay.maxBehind : MAX_BEFORE;
    if (frames.isAwaited || frames.size < maxWaiting) return frames.push(frame);
    this.#isBehind = true;
    void frames.return();
    return false;
  }

  end(failure: { readonly error: unknown } | null): void {
    if (failure === null) this.#frames.end();
    else this.#frames.fail(failure.error);
  }

  leave(): void {
    void this.#frames.return();
    this.#relay.remove(this);
  }
}

export interface RelayOptions {
  /** Called once, when the source has ended. */
  readonly onEnd: () => void;
  /** How many frames a reader may lag behind the fastest reader. */
  readonly maxBehind: number;
}

/** Asks the source for a frame when the fastest reader wants one. Until then, the source may conflate. */
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

  /** False until the first frame is requested from the source. A reader that joins before that misses no frame. */
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
        for (const reader of this.#readers) if (reader.isAwaited) return this.pull();
      },
      (error: unknown) => this.#end({ error }),
    );
  }

  /** Ends the source and all readers. */
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
