/** The decompressed bytes of an open file, from any offset on, read at the caller's pace. */
import { AppError } from "../../../schema/model/errors.ts";
import { decompress } from "./decompress.ts";
import type { OpenFile } from "./open-file.ts";

/** Does not own the file: it stays open when the bytes are disposed. */
export interface ByteSource extends AsyncDisposable {
  /**
   * Writes the next bytes to `into` from index `at` on and returns their number. 0 means the end of the file; if the
   * file has grown since, the next call returns more. One call at a time.
   * @throws AppError `invalid` when compressed bytes are damaged or cut short, after everything before the damage;
   *   `unavailable` when the file cannot be read
   */
  read(into: Uint8Array, at: number): Promise<number>;
  /** Bytes on disk before the point up to which the file has been read. */
  readonly bytesRead: number;
  /** When the file was last written to, ms since the epoch; null for a compressed file, whose format marks its end. */
  modifiedAt(): Promise<number | null>;
}

const cannotRead = (path: string, offset: number, error: unknown): AppError =>
  new AppError(`Cannot read ${path} from byte ${offset} on: ${(error as Error).message}`, {
    code: "unavailable",
    cause: error,
  });

class PlainBytes implements ByteSource {
  readonly #file: OpenFile;
  bytesRead: number;

  constructor(file: OpenFile, offset: number) {
    this.#file = file;
    this.bytesRead = offset;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    try {
      const { bytesRead } = await this.#file.handle.read(into, at, into.length - at, this.bytesRead);
      this.bytesRead += bytesRead;
      return bytesRead;
    } catch (error) {
      throw cannotRead(this.#file.path, this.bytesRead, error);
    }
  }

  async modifiedAt(): Promise<number> {
    try {
      return (await this.#file.handle.stat()).mtimeMs;
    } catch (error) {
      throw cannotRead(this.#file.path, this.bytesRead, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** How many compressed bytes are read at once. Everything that they decompress to may be held in memory. */
const PIECE_BYTES = 16_384;

class CompressedBytes implements ByteSource {
  readonly #file: OpenFile;
  readonly #unpacked: AsyncGenerator<Uint8Array, void>;
  /** Decompressed bytes handed out or skipped. */
  #offset = 0;
  #rest: Uint8Array = new Uint8Array(0);
  bytesRead = 0;

  constructor(file: OpenFile, format: "gzip" | "zstd") {
    this.#file = file;
    this.#unpacked = decompress(format, this.#pieces());
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    const { handle, path } = this.#file;
    for (;;) {
      // A new buffer each time, because the decompressor may still hold the one before.
      const piece = new Uint8Array(PIECE_BYTES);
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, this.bytesRead).catch((error) => {
        throw cannotRead(path, this.bytesRead, error);
      });
      if (bytesRead === 0) return;
      this.bytesRead += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  }

  async #refill(): Promise<boolean> {
    try {
      while (this.#rest.length === 0) {
        const next = await this.#unpacked.next();
        if (next.done) return false;
        this.#rest = next.value;
      }
      return true;
    } catch (error) {
      if (error instanceof AppError) throw error;
      const { path, compression } = this.#file;
      const unpacked = this.#offset + this.#rest.length;
      throw new AppError(
        `Cannot read ${path} to its end: its ${compression} data is damaged or cut short at byte ${this.bytesRead} ` +
          `(${unpacked} decompressed): ${(error as Error).message}`,
        { code: "invalid", cause: error },
      );
    }
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    if (!(await this.#refill())) return 0;
    const count = Math.min(this.#rest.length, into.length - at);
    into.set(this.#rest.subarray(0, count), at);
    this.#rest = this.#rest.subarray(count);
    this.#offset += count;
    return count;
  }

  async modifiedAt(): Promise<null> {
    return null;
  }

  /** Skips `count` decompressed bytes, or fewer if the file ends before. */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0 && (await this.#refill()); ) {
      const skipped = Math.min(left, this.#rest.length);
      this.#rest = this.#rest.subarray(skipped);
      this.#offset += skipped;
      left -= skipped;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unpacked.return();
  }
}

/**
 * Reads the file's decompressed bytes from `offset` on.
 * @param offset in decompressed bytes; after the end, there is nothing to read
 * @throws AppError `unavailable`; `invalid` when compressed bytes before `offset` are damaged
 */
export async function readBytes(file: OpenFile, offset: number): Promise<ByteSource> {
  if (file.compression === "none") return new PlainBytes(file, offset);
  const bytes = new CompressedBytes(file, file.compression);
  try {
    await bytes.skip(offset);
    return bytes;
  } catch (error) {
    await bytes[Symbol.asyncDispose]();
    throw error;
  }
}
