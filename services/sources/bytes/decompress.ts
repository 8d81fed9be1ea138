/** Decompresses gzip and zstd. Yields everything before damaged bytes, and only then throws. */
import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { ZstdFrames } from "./zstd-frames.ts";

/** If more decompressed bytes are held, the stream is paused. The input already written may still add some. */
const MAX_HELD_BYTES = 4_194_304;
const OUTPUT = { chunkSize: 262_144 };

/**
 * One decompressor. Takes output from the stream as it comes, because a stream that fails discards its buffered output.
 * Not a `Mailbox`, because a reader waits until one piece of input is used up, not until the output ends.
 */
class Unpacker {
  readonly #stream: Transform;
  readonly #ready: Uint8Array[] = [];
  #held = 0;
  #damage: Error | undefined;
  #ended = false;
  #wake: () => void = () => {};

  constructor(stream: Transform) {
    this.#stream = stream;
    stream.on("data", (bytes: Uint8Array) => {
      this.#ready.push(bytes);
      this.#held += bytes.length;
      if (this.#held > MAX_HELD_BYTES) stream.pause();
      this.#wake();
    });
    stream.on("error", (error) => {
      this.#damage ??= error;
      this.#wake();
    });
    stream.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async *#until(finished: () => boolean): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const bytes = this.#ready.shift();
      if (bytes !== undefined) {
        this.#held -= bytes.length;
        if (this.#ready.length === 0) this.#stream.resume();
        yield bytes;
      } else if (this.#damage !== undefined) {
        throw this.#damage;
      } else if (finished()) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  unpack(piece: Uint8Array): AsyncGenerator<Uint8Array, void> {
    let taken = false;
    this.#stream.write(piece, () => {
      taken = true;
      this.#wake();
    });
    return this.#until(() => taken);
  }

  finish(): AsyncGenerator<Uint8Array, void> {
    this.#stream.end();
    return this.#until(() => this.#ended);
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

async function* gunzip(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const unpacker = new Unpacker(createGunzip(OUTPUT));
  try {
    for await (const piece of pieces) yield* unpacker.unpack(piece);
    yield* unpacker.finish();
  } finally {
    unpacker.destroy();
  }
}

/** Decompresses each frame by itself: some runtimes ignore a second frame, or accept an end inside a frame. */
async function* unzstd(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const frames = new ZstdFrames();
  let unpacker: Unpacker | undefined;
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        unpacker ??= new Unpacker(createZstdDecompress(OUTPUT));
        const end = frames.advance(piece, at);
        yield* unpacker.unpack(piece.subarray(at, end));
        at = end;
        if (!frames.inside) {
          yield* unpacker.finish();
          unpacker = undefined;
        }
      }
    }
    if (unpacker !== undefined) {
      yield* unpacker.finish();
      throw new Error("unexpected end of file");
    }
  } finally {
    unpacker?.destroy();
  }
}

/**
 * Yields the decompressed bytes of all members or frames, in order. Takes the next piece of input once the output of
 * the one before is used up.
 * @throws Error of the decompressor, or for an early end, after everything that could be decompressed
 */
export const decompress = (
  format: "gzip" | "zstd",
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> => (format === "gzip" ? gunzip(pieces) : unzstd(pieces));
