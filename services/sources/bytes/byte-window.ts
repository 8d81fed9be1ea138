/** The part of a file that is in memory: rows are read off its front while the next bytes are on their way. */
import type { ByteSource } from "./byte-source.ts";

/** What may be left unread when more is asked for. */
const MAX_UNREAD_BYTES = 131_072;

interface Block {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

const createBlock = (size: number): Block => {
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer) };
};

/** Two blocks of fixed size take turns: one is read from, the other filled. */
export class ByteWindow implements AsyncDisposable {
  readonly #source: ByteSource;
  #block: Block;
  #spare: Block;
  #coming: Promise<number> | undefined;
  /** Offset in the file of the block's first byte. */
  #base: number;
  /** Index of the first unread byte; whoever reads moves it on. */
  start = MAX_UNREAD_BYTES;
  /** Behind the last byte. */
  end = MAX_UNREAD_BYTES;
  /** Nothing comes behind `end`. */
  ended = false;

  /** @param offset where in the file the source's first byte is */
  constructor(source: ByteSource, offset: number, { chunkBytes }: { chunkBytes: number }) {
    this.#source = source;
    this.#base = offset - MAX_UNREAD_BYTES;
    this.#block = createBlock(MAX_UNREAD_BYTES + chunkBytes);
    this.#spare = createBlock(MAX_UNREAD_BYTES + chunkBytes);
  }

  get bytes(): Buffer<ArrayBuffer> {
    return this.#block.bytes;
  }

  get view(): DataView<ArrayBuffer> {
    return this.#block.view;
  }

  /** Where in the file the byte at this index is. */
  offsetOf(index: number): number {
    return this.#base + index;
  }

  /**
   * Adds the next bytes behind what is unread, which moves to other indices. At most one chunk is read ahead of need.
   * @throws AppError of the source, behind the last byte that it could give; nothing is lost, and it throws again
   */
  async fill(): Promise<void> {
    this.#coming ??= this.#ask();
    const count = await this.#coming;
    if (count === 0) {
      this.ended = true;
      return;
    }
    const unread = this.end - this.start;
    const { bytes } = this.#spare;
    this.#block.bytes.copy(bytes, MAX_UNREAD_BYTES - unread, this.start, this.end);
    this.#base += this.end - MAX_UNREAD_BYTES;
    this.start = MAX_UNREAD_BYTES - unread;
    this.end = MAX_UNREAD_BYTES + count;
    [this.#block, this.#spare] = [this.#spare, this.#block];
    this.#coming = this.#ask();
  }

  /** After the end: asks the source again, whose file may have grown. */
  lookAgain(): void {
    this.ended = false;
    this.#coming = undefined;
  }

  #ask(): Promise<number> {
    const coming = this.#source.read(this.#spare.bytes, MAX_UNREAD_BYTES);
    // Whoever awaits `fill()` gets the rejection; nobody may be waiting yet.
    coming.catch(() => {});
    return coming;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#coming?.catch(() => 0);
    await this.#source[Symbol.asyncDispose]();
  }
}
