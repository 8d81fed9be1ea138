/** Streams text as the body of an answer. Each piece is generated when the client has read the previous one. */
import { type PaceOptions, pacedPieces } from "../../platform/http/paced-pieces.ts";
import type { Packer } from "./compression.ts";

/** A client that reads nothing for this long is cut off: 2 minutes. */
const PATIENCE_MS = 120_000;

export interface StreamOptions extends Pick<PaceOptions, "clock" | "onEnd"> {
  /** Compresses the text. If null, the text is sent uncompressed. */
  readonly packer: Packer | null;
}

async function* packed(texts: AsyncGenerator<string>, packer: Packer | null): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    for await (const text of texts) {
      const bytes = encoder.encode(text);
      yield packer === null ? bytes : await packer.add(bytes);
    }
    if (packer !== null) yield await packer.end();
  } finally {
    packer?.close();
  }
}

/** Returns the texts as a body. If `texts` throws, the connection is cut, so the client sees an incomplete body. */
export function streamOf(
  texts: AsyncGenerator<string>,
  { packer, clock, onEnd }: StreamOptions,
): ReadableStream<Uint8Array> {
  const pieces = packed(texts, packer);
  const leave = async () => void (await pieces.return(undefined));
  return pacedPieces({ next: () => pieces.next(), leave }, { clock, patienceMs: PATIENCE_MS, onEnd });
}
