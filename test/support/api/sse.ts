/** Reads Server-Sent Events of a GraphQL subscription, frame by frame. */
import type { GraphqlAnswer } from "./graphql-answer.ts";

export interface Events extends AsyncDisposable {
  readonly response: Response;
  /** Resolves with the next frame. Rejects when the stream ends before. */
  next(): Promise<GraphqlAnswer>;
  /** Number of frames that have arrived and were not taken yet. */
  readonly waiting: () => number;
  /** Number of comment lines so far, which keep quiet streams alive. */
  readonly pings: () => number;
}

export async function openEvents(url: string, query: string, init: RequestInit = {}): Promise<Events> {
  const leave = new AbortController();
  const response = await fetch(`${url}/graphql?query=${encodeURIComponent(query)}`, {
    ...init,
    headers: { accept: "text/event-stream", ...init.headers },
    signal: leave.signal,
  });
  if (response.body === null) throw new Error(`No stream: ${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  let pings = 0;
  const frames: GraphqlAnswer[] = [];
  const pump = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffered += value;
      const blocks = buffered.split("\n\n");
      buffered = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = /^data: (.+)$/m.exec(block)?.[1];
        if (data !== undefined) frames.push(JSON.parse(data) as GraphqlAnswer);
        else if (block.startsWith(":")) pings++;
      }
    }
  };
  const ended = pump().catch(() => {});
  return {
    response,
    waiting: () => frames.length,
    pings: () => pings,
    async next() {
      let over = false;
      ended.then(() => {
        over = true;
      });
      for (;;) {
        const frame = frames.shift();
        if (frame !== undefined) return frame;
        if (over) throw new Error("The stream ended");
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    [Symbol.asyncDispose]: async () => {
      leave.abort();
      await ended;
    },
  };
}
