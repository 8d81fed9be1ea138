/** Writes rows to a file, compressed according to its name, or to standard output. */
import { createWriteStream } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";

/**
 * Writes ASCII pieces as they are produced, holding only a few of them in memory.
 * @param to a file name (`.gz` and `.zst` are compressed) or `-` for standard output
 */
export async function writePieces(pieces: Iterable<string>, to: string): Promise<void> {
  const source = Readable.from(encode(pieces), { objectMode: true, highWaterMark: 1 });
  if (to === "-") return pipeline(source, process.stdout);
  const file: Writable = createWriteStream(to);
  if (to.endsWith(".gz")) return pipeline(source, createGzip({ level: 9 }), file);
  if (to.endsWith(".zst")) return pipeline(source, createZstdCompress(), file);
  return pipeline(source, file);
}

function* encode(pieces: Iterable<string>): Generator<Buffer, void, void> {
  for (const piece of pieces) yield Buffer.from(piece, "latin1");
}
