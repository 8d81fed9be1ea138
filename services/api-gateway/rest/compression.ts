/** Compresses answers with gzip or zstd: whole, or piece by piece for a stream. */
import { promisify } from "node:util";
import { constants, createGzip, createZstdCompress, gzip, zstdCompress } from "node:zlib";
import type { Coding } from "./negotiation.ts";

/**
 * The fastest level of each algorithm. It shrinks a list of 247 GPUs to a quarter with gzip and to an eighth with zstd,
 * in a fraction of the time that the list's query takes.
 */
const GZIP = { level: 1 };
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const packGzip = promisify(gzip);
const packZstd = promisify(zstdCompress);

export const pack = (bytes: Uint8Array, coding: Coding): Promise<Uint8Array> =>
  coding === "gzip" ? packGzip(bytes, GZIP) : packZstd(bytes, ZSTD);

/** Compresses a stream. A client can unpack each result of `add` before the next one arrives. */
export interface Packer {
  /** Compresses `piece`. Call `add` again only after its promise has settled. */
  add(piece: Uint8Array): Promise<Uint8Array>;
  /** Returns the last bytes of the stream. */
  end(): Promise<Uint8Array>;
  /** Frees the compressor. Call it after `end`, or in place of `end`. */
  close(): void;
}

export function createPacker(coding: Coding): Packer {
  const [stream, flush] =
    coding === "gzip" ? [createGzip(GZIP), constants.Z_SYNC_FLUSH] : [createZstdCompress(ZSTD), constants.ZSTD_e_flush];
  let packed: Uint8Array[] = [];
  stream.on("data", (piece: Uint8Array) => packed.push(piece));
  const take = (): Uint8Array => {
    const all = Buffer.concat(packed);
    packed = [];
    return all;
  };
  return {
    async add(piece) {
      stream.write(piece);
      await new Promise<void>((resolve) => stream.flush(flush, resolve));
      return take();
    },
    async end() {
      await new Promise<void>((resolve) => stream.once("end", resolve).end());
      return take();
    },
    close: () => void stream.destroy(),
  };
}
