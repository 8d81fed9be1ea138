/** Holds the part of a file that is in memory: rows are parsed from its front while the next bytes are being read. */
import type { ByteSource } from "./byte-source.ts";

/** How many bytes may be unread when `fill()` is called. */
const MAX_UNREAD_BYTES = 131_072;

interface Block {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

const createBlock = (size: number): Block => {
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer) };
};

/** Two blocks of fixed size take turns: one is parsed while the other is filled. */
export class ByteWindow implements AsyncDisposable {
  readonly #source: ByteSource;
  #block: Block;
  #spare: Block;
  #coming: Promise<number> | undefined;
  /** Offset in the file of the block's first byte. */
  #base: number;
  /** Index of the first unread byte; the parser advances it. */
  start = MAX_UNREAD_BYTES;
  /** Index after the last byte. */
  end = MAX_UNREAD_BYTES;
  /** True if the file ends at `end`. */
  ended = false;

  /** @param offset of the source's first byte in the file */
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

  /** Offset in the file of the byte at this index. */
  offsetOf(index: number): number {
    return this.#base + index;
  }

  /**
   * Appends the next bytes to the unread bytes, which move to other indices. Reads at most one chunk ahead.
   * @throws AppError of the source, once all bytes before the failure have been appended, and at every later call
   */
  async fill(): Promise<void> {
    this.#coming ??= this.#read();
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
    this.#coming = this.#read();
  }

  /** Makes the next `fill()` read again after the end, because the file may have grown. */
  lookAgain(): void {
    this.ended = false;
    this.#coming = undefined;
  }

  #read(): Promise<number> {
    const coming = this.#source.read(this.#spare.bytes, MAX_UNREAD_BYTES);
    // The next `fill()` gets the rejection; until then it must not count as unhandled.
    coming.catch(() => {});
    return coming;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#coming?.catch(() => 0);
    await this.#source[Symbol.asyncDispose]();
  }
}
