/** A stream whose pieces are made at the pace of its reader, and that is cut when the reader takes nothing. */
import { messageOf } from "../../../schema/model/errors.ts";
import type { Clock } from "../process/clock.ts";
import { othersAnswered } from "../process/others-answered.ts";

interface Pieces<Piece> {
  next(): IteratorResult<Piece, unknown> | Promise<IteratorResult<Piece, unknown>>;
  /** Called when the reader leaves, or is cut off, before the last piece. */
  leave(): void | Promise<void>;
}

export interface PaceOptions {
  readonly clock: Clock;
  /** A reader that takes no piece for this long is cut off. */
  readonly patienceMs: number;
  /** A reader that falls behind this pace by `patienceMs` is cut off. Default: any pace will do. */
  readonly leastBytesPerS?: number;
  /** Called once, at the end. @param reason why the stream was cut; undefined: it is complete, or the reader left */
  readonly onEnd: (reason?: string) => void;
}

/**
 * Returns a stream that makes a piece when its reader asks for it. If `next` throws, the connection is cut, so that no
 * reader takes a part for the whole.
 */
export function pacedPieces<Piece extends Uint8Array>(
  pieces: Pieces<Piece>,
  { clock, patienceMs, leastBytesPerS = 0, onEnd }: PaceOptions,
): ReadableStream<Piece> {
  let taken = new AbortController();
  let bytes = 0;
  /** How long the reader was waited for, and since when it is. */
  let waitedMs = 0;
  let offeredAt = clock.monotonic();
  const earnedMs = () => (leastBytesPerS === 0 ? Number.POSITIVE_INFINITY : (1000 * bytes) / leastBytesPerS);
  let isEnded = false;
  const end = (reason?: string) => {
    taken.abort();
    if (!isEnded) onEnd(reason);
    isEnded = true;
  };
  async function cutUnlessTaken(controller: ReadableStreamDefaultController, signal: AbortSignal): Promise<void> {
    const leftMs = patienceMs + earnedMs() - waitedMs;
    await clock.sleep(Math.min(patienceMs, leftMs), { signal });
    if (signal.aborted) return;
    const isSlow = leftMs < patienceMs;
    end(`the client read ${isSlow ? `less than ${leastBytesPerS} bytes/s` : `nothing for ${patienceMs / 1000} s`}`);
    // No reason is passed, because Bun and Deno would print it.
    controller.error();
    await pieces.leave();
  }
  return new ReadableStream<Piece>(
    {
      async pull(controller) {
        taken.abort();
        waitedMs += clock.monotonic() - offeredAt;
        try {
          await othersAnswered();
          const { done, value } = await pieces.next();
          if (isEnded) return;
          if (done) {
            end();
            controller.close();
            return;
          }
          bytes += value.byteLength;
          controller.enqueue(value);
          offeredAt = clock.monotonic();
          taken = new AbortController();
          void cutUnlessTaken(controller, taken.signal);
        } catch (error) {
          if (isEnded) return;
          end(messageOf(error));
          controller.error();
        }
      },
      async cancel() {
        end();
        await pieces.leave();
      },
    },
    // No piece is made before the reader asks for it.
    { highWaterMark: 0 },
  );
}
