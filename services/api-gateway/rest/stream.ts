/** Streams text as the body of an answer. Each piece is generated when the client has read the previous one. */
import { messageOf } from "../../../schema/model/errors.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Packer } from "./compression.ts";

/** A client that reads nothing for this long is cut off: 2 minutes. */
const PATIENCE_MS = 120_000;

export interface StreamOptions {
  /** Compresses the text. If null, the text is sent uncompressed. */
  readonly packer: Packer | null;
  readonly clock: Clock;
  /** Called once, at the end. @param reason why the stream was cut; undefined when it is complete or the client left */
  readonly onEnd: (reason?: string) => void;
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
  let taken = new AbortController();
  let ended = false;
  const end = (reason?: string): void => {
    taken.abort();
    if (!ended) onEnd(reason);
    ended = true;
  };
  async function cutUnlessTaken(controller: ReadableStreamDefaultController, signal: AbortSignal): Promise<void> {
    await clock.sleep(PATIENCE_MS, { signal });
    if (signal.aborted) return;
    end("the client read nothing for 2 minutes");
    controller.error();
    void pieces.return(undefined);
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        taken.abort();
        try {
          const { done, value } = await pieces.next();
          if (ended) return;
          if (done) {
            end();
            controller.close();
            return;
          }
          controller.enqueue(value);
          taken = new AbortController();
          void cutUnlessTaken(controller, taken.signal);
        } catch (error) {
          if (ended) return;
          end(messageOf(error));
          // No reason is passed, because Bun and Deno would print it.
          controller.error();
        }
      },
      async cancel() {
        end();
        await pieces.return(undefined);
      },
    },
    // No piece is generated before it is read.
    { highWaterMark: 0 },
  );
}
