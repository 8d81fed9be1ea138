/** A bounded queue between a producer that never waits and a reader that iterates. */

export interface MailboxOptions<T> {
  /** How many items may wait for the reader; at least 1. */
  readonly capacity: number;
  /**
   * Called when an item is pushed into a full mailbox: gets the newest waiting item and the pushed one, and returns the
   * item that replaces both. With a capacity of 1, `(_, pushed) => pushed` keeps only the newest item.
   * Default: a full mailbox refuses pushed items.
   */
  readonly merge?: ((waiting: T, pushed: T) => T) | undefined;
  /** Aborting it is the same as `return()`. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each item as the reader gets it, in order. For flow control of the producer. */
  readonly onTake?: ((item: T) => void) | undefined;
  /** Called once, when the mailbox closes. A closed mailbox accepts no items. */
  readonly onClose?: (() => void) | undefined;
}

const DONE = { done: true, value: undefined } as const;

/**
 * - The producer calls `push`, `end` and `fail`, which never wait or throw.
 * - The reader iterates: it gets items in the order of their pushes, each once. `next()` calls may overlap, and are
 *   answered in the order in which they were made.
 * - `end()` and `fail(error)` close the mailbox: the reader first gets the waiting items, then the end or the error.
 * - `return()` and an aborted signal close the mailbox, drop the waiting items, and end every waiting `next()`.
 */
export class Mailbox<T> implements AsyncIterableIterator<T> {
  readonly #options: MailboxOptions<T>;
  readonly #items: T[] = [];
  /** Waiting `next()` calls; empty while there are items. */
  readonly #readers: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #isClosed = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: MailboxOptions<T>) {
    this.#options = options;
    const { signal } = options;
    if (signal?.aborted) this.#drop();
    else signal?.addEventListener("abort", this.#drop, { once: true });
  }

  /** Number of items that wait for the reader. */
  get size(): number {
    return this.#items.length;
  }

  /** True while the reader waits for an item: the next pushed item goes straight to the reader. */
  get isAwaited(): boolean {
    return this.#readers.length > 0;
  }

  /** True when the mailbox accepts no more items. Items may still wait for the reader. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Returns false when the item is refused: the mailbox is closed, or full without a `merge`. */
  push(item: T): boolean {
    if (this.#isClosed) return false;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      this.#options.onTake?.(item);
      reader.resolve({ done: false, value: item });
      return true;
    }
    const { capacity, merge } = this.#options;
    const { length } = this.#items;
    if (length < capacity) this.#items.push(item);
    else if (merge === undefined) return false;
    else this.#items[length - 1] = merge(this.#items[length - 1] as T, item);
    return true;
  }

  /** Closes the mailbox: the reader gets the waiting items, then the end. Does nothing on a closed mailbox. */
  end(): void {
    this.#close();
  }

  /** Closes the mailbox: the first `next()` after the last item rejects with `error`. Does nothing if closed. */
  fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#failure = { error };
    this.#close();
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      this.#options.onTake?.(value);
      if (this.#isClosed) this.#unlisten();
      return Promise.resolve({ done: false, value });
    }
    if (this.#isClosed) return this.#outcome();
    const reader = Promise.withResolvers<IteratorResult<T>>();
    this.#readers.push(reader);
    return reader.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#drop();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #drop = (): void => {
    this.#items.length = 0;
    this.#failure = null;
    this.#unlisten();
    this.#close();
  };

  /** Removes the abort listener once the reader has all items and the error; until then, an abort must drop them. */
  #unlisten(): void {
    if (this.#items.length > 0 || this.#failure !== null) return;
    this.#options.signal?.removeEventListener("abort", this.#drop);
  }

  /** Returns the outcome of a `next()` after the last item: the error once, then the end. */
  #outcome(): Promise<IteratorResult<T>> {
    const failure = this.#failure;
    this.#failure = null;
    this.#unlisten();
    return failure === null ? Promise.resolve(DONE) : Promise.reject(failure.error);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unlisten();
    for (const reader of this.#readers.splice(0)) reader.resolve(this.#outcome());
    this.#options.onClose?.();
  }
}
