/** One file, opened once: its handle, size and first bytes, and from those its compression. */
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "../../../schema/model/errors.ts";

/** How many bytes of a file's beginning are read when it is opened. */
export const HEAD_BYTES = 64 * 1024;

export type Compression = "none" | "gzip" | "zstd";

export interface OpenFile extends AsyncDisposable {
  /** For messages. */
  readonly path: string;
  readonly handle: FileHandle;
  /** Bytes on disk when the file was opened. */
  readonly size: number;
  /** When the file had last been written to, ms since the epoch. */
  readonly modifiedAt: number;
  /** The first `HEAD_BYTES` bytes on disk, or all of a shorter file. */
  readonly head: Buffer;
  readonly compression: Compression;
}

/** Compression by magic bytes in hex (RFC 1952 and RFC 8878). */
const MAGIC: ReadonlyMap<string, Compression> = new Map([
  ["1f8b", "gzip"],
  ["28b52ffd", "zstd"],
]);

/** Magic bytes win over the name, because a compressed file may be mounted under a fixed name such as `metrics.csv`. */
function compressionOf(path: string, head: Buffer): Compression {
  const named = path.endsWith(".gz") ? "gzip" : path.endsWith(".zst") ? "zstd" : "none";
  return MAGIC.get(head.toString("hex", 0, 2)) ?? MAGIC.get(head.toString("hex", 0, 4)) ?? named;
}

async function readHead(handle: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES);
  let length = 0;
  while (length < HEAD_BYTES) {
    const { bytesRead } = await handle.read(head, length, HEAD_BYTES - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return head.subarray(0, length);
}

const cannotOpen = (path: string, error: unknown): AppError =>
  new AppError(`Cannot open ${path}: ${(error as Error).message}`, {
    code: (error as NodeJS.ErrnoException).code === "ENOENT" ? "not_found" : "unavailable",
    cause: error,
  });

/** @param name of the file in messages. @throws AppError `not_found`, `unavailable` */
export async function openFile(path: string, name = path): Promise<OpenFile> {
  const handle = await open(path, "r").catch((error) => {
    throw cannotOpen(name, error);
  });
  try {
    const { size, mtimeMs } = await handle.stat();
    const head = await readHead(handle);
    const compression = compressionOf(name, head);
    return {
      path: name,
      handle,
      size,
      modifiedAt: Math.floor(mtimeMs),
      head,
      compression,
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw cannotOpen(name, error);
  }
}
