/**
 * Guards a stream of server-sent events. It pulls an event when the reader has taken the previous one, and disconnects
 * a reader that takes none for `STALLED_MS`. When the server stops, it sends a last event with a retry time and no
 * `complete`, so that clients reconnect by themselves.
 */
import { graphqlError } from "../../platform/graphql/errors.ts";
import { STALLED_MS, type Watchdog } from "./watchdog.ts";

const RETRY_AFTER_MS = 1000;
const STOPPING = {
  errors: [
    graphqlError("unavailable", "The server is stopping: subscribe again in a moment", {
      retryAfterMs: RETRY_AFTER_MS,
    }),
  ],
};
const LAST_EVENT = new TextEncoder().encode(
  `retry: ${RETRY_AFTER_MS}\nevent: next\ndata: ${JSON.stringify(STOPPING)}\n\n`,
);
const LINE_END = 10;

export const isEventStream = ({ headers }: Response): boolean =>
  headers.get("content-type")?.startsWith("text/event-stream") === true;

const isWhole = (bytes: Uint8Array): boolean => bytes.at(-1) === LINE_END && bytes.at(-2) === LINE_END;

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : new Uint8Array(Buffer.concat(parts));
}

/** @param onEnd called when the stream has ended, or its reader has left */
export function guardEvents(response: Response, watchdog: Watchdog, onEnd: () => void = () => {}): Response {
  if (response.body === null) {
    onEnd();
    return response;
  }
  const source = response.body.getReader();
  let stopped = watchdog.stopped;
  /** Ends the reader's wait for an event; set during that wait. (`Promise.race` would retain every event.) */
  let interrupt: ((stopped: "stopped") => void) | null = null;
  let offeredAt: number | null = null;
  let ended = false;
  const end = () => {
    ended = true;
    unwatch();
    onEnd();
  };
  let fail = () => {};
  const unwatch = watchdog.watch({
    check(now) {
      if (offeredAt === null || now - offeredAt < STALLED_MS) return;
      end();
      watchdog.ended("sse", "stalled");
      fail();
      source.cancel().catch(() => {});
    },
    stop() {
      stopped = true;
      interrupt?.("stopped");
    },
  });

  /** Returns the next event in one piece, or null if the source has ended. */
  async function readEvent(): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await source.read();
      if (done) return parts.length === 0 ? null : joined(parts);
      parts.push(value);
      if (isWhole(value)) return joined(parts);
    }
  }

  const nextEvent = (): Promise<Uint8Array | null | "stopped"> =>
    new Promise((resolve, reject) => {
      if (stopped) return resolve("stopped");
      interrupt = resolve;
      readEvent().then(resolve, reject);
    });

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // No reason is passed, because the runtimes would print it.
        fail = () => controller.error();
      },
      async pull(controller) {
        offeredAt = null;
        try {
          const event = await nextEvent();
          interrupt = null;
          if (ended) return;
          if (event === null) {
            end();
            return controller.close();
          }
          if (event === "stopped") {
            end();
            watchdog.ended("sse", "stopping");
            controller.enqueue(LAST_EVENT);
            controller.close();
            await source.cancel();
            return;
          }
          offeredAt = watchdog.clock.monotonic();
          controller.enqueue(event);
        } catch {
          if (!ended) controller.error();
          end();
        }
      },
      async cancel() {
        end();
        await source.cancel();
      },
    },
    // The stream pulls an event only when the reader asks for one.
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}
