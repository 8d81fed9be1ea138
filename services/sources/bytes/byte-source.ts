/** A file's bytes, decompressed where it is compressed, from any offset on, at the pace of whoever takes them. */
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "../../../schema/model/errors.ts";
import type { SourceFile } from "../files/source-files.ts";
import { decompress } from "./decompress.ts";

export interface ByteSource extends AsyncDisposable {
  /**
   * Writes the next bytes to `into` from index `at` on and tells how many; 0 at the end of the file, and again when
   * the file has grown since. One call at a time.
   * @throws AppError `invalid` when compressed bytes are damaged or cut short: everything before was handed out;
   *   `unavailable` when the file cannot be read
   */
  read(into: Uint8Array, at: number): Promise<number>;
  /** Bytes of the file itself taken in so far. */
  readonly bytesRead: number;
  /** When the file was last written to, ms since the epoch; null when its end is its end whoever writes to it. */
  modifiedAt(): Promise<number | null>;
}

const cannotRead = (path: string, offset: number, error: unknown): AppError =>
  new AppError(`Cannot read ${path} from byte ${offset} on: ${(error as Error).message}`, {
    code: "unavailable",
    cause: error,
  });

async function openHandle(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code === "ENOENT" ? "not_found" : "unavailable";
    throw new AppError(`Cannot open ${path}: ${(error as Error).message}`, { code, cause: error });
  }
}

class PlainSource implements ByteSource {
  readonly #path: string;
  readonly #handle: FileHandle;
  #offset: number;
  bytesRead = 0;

  constructor(path: string, handle: FileHandle, offset: number) {
    this.#path = path;
    this.#handle = handle;
    this.#offset = offset;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(into, at, into.length - at, this.#offset);
      this.#offset += bytesRead;
      this.bytesRead += bytesRead;
      return bytesRead;
    } catch (error) {
      throw cannotRead(this.#path, this.#offset, error);
    }
  }

  async modifiedAt(): Promise<number> {
    return (await this.#handle.stat()).mtimeMs;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** Compressed bytes taken at once: what they unpack to is held in memory. */
const PIECE_BYTES = 16_384;

class CompressedSource implements ByteSource {
  readonly #file: SourceFile;
  readonly #handle: FileHandle;
  readonly #unpacked: AsyncGenerator<Uint8Array, void>;
  /** Of the decompressed bytes handed out. */
  #offset = 0;
  #rest: Uint8Array = new Uint8Array(0);
  bytesRead = 0;

  constructor(file: SourceFile, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
    this.#unpacked = decompress(file.compression === "gzip" ? "gzip" : "zstd", this.#pieces());
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      // A fresh buffer each time: the one before may still be in the decompressor's hands.
      const piece = new Uint8Array(PIECE_BYTES);
      const { bytesRead } = await this.#handle.read(piece, 0, PIECE_BYTES, this.bytesRead).catch((error) => {
        throw cannotRead(this.#file.path, this.bytesRead, error);
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
          `(${unpacked} unpacked): ${(error as Error).message}`,
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

  /** Gives up to `count` bytes away unseen. */
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
    await this.#handle.close();
  }
}

/**
 * @param offset of the decompressed bytes; behind the end there is nothing to read
 * @throws AppError `not_found`, `unavailable`; `invalid` when compressed bytes before `offset` are damaged
 */
export async function openBytes(file: SourceFile, offset: number): Promise<ByteSource> {
  const handle = await openHandle(file.path);
  if (file.compression === "none") return new PlainSource(file.path, handle, offset);
  const source = new CompressedSource(file, handle);
  try {
    await source.skip(offset);
    return source;
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}
