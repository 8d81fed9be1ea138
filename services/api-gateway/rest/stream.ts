/** Text as the body of an answer: made when the client takes it, never ahead of it. */
import { messageOf } from "../../../schema/model/errors.ts";
import type { Clock } from "../../platform/process/clock.ts";
import type { Packer } from "./compression.ts";

/** A client that has taken nothing for this long is gone in all but name. */
const PATIENCE_MS = 120_000;

export interface StreamOptions {
  /** Null: as it is. */
  readonly packer: Packer | null;
  readonly clock: Clock;
  /** Told once, however it ends. @param reason why the stream was cut; undefined: it is complete, or the client left */
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

/** A text that throws cuts the connection: the client sees that the body is not whole. */
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
    end("the client takes nothing");
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
          // Runtimes print a reason that they are given.
          controller.error();
        }
      },
      async cancel() {
        end();
        await pieces.return(undefined);
      },
    },
    // Not one piece more than is asked for.
    { highWaterMark: 0 },
  );
}
