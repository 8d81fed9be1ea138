import { expect, test } from "bun:test";
import { guardEvents } from "../../../services/api-gateway/live/event-stream.ts";
import { PING_MS, STALLED_MS, Watchdog } from "../../../services/api-gateway/live/watchdog.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { metricValue } from "../../support/process/metric-value.ts";
import { ManualClock } from "../../support/time/manual-clock.ts";

const encoder = new TextEncoder();
const clock = new ManualClock();

/** A stream of events, each in two pieces. */
function streamOf(events: Iterable<string>): Response {
  const source = events[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      const { done, value } = source.next();
      if (done) return controller.close();
      controller.enqueue(encoder.encode("event: next\n"));
      controller.enqueue(encoder.encode(`data: ${value}\n\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

test("guardEvents() passes each event on in one piece, unchanged", async () => {
  using watchdog = new Watchdog({ metrics: createMetrics(), clock });
  const guarded = guardEvents(streamOf(["1", "2", "3"]), watchdog);
  expect(guarded.headers.get("content-type")).toBe("text/event-stream");
  const pieces: string[] = [];
  const decoder = new TextDecoder();
  for await (const piece of guarded.body as unknown as AsyncIterable<Uint8Array>) pieces.push(decoder.decode(piece));
  expect(pieces).toEqual(["1", "2", "3"].map((data) => `event: next\ndata: ${data}\n\n`));
});

test("guardEvents() retains no event that it has passed on", async () => {
  using watchdog = new Watchdog({ metrics: createMetrics(), clock });
  const EVENTS = 2000;
  const BYTES = 50_000;
  const events = function* () {
    for (let n = 0; n < EVENTS; n++) yield String(n % 10).repeat(BYTES);
  };
  const guarded = guardEvents(streamOf(events()), watchdog);
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  const reader = guarded.body?.getReader();
  let seen = 0;
  while (seen < (EVENTS - 1) * BYTES) seen += (await reader?.read())?.value?.byteLength ?? 0;
  Bun.gc(true);
  // 100 MB were passed on.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  await reader?.cancel();
}, 60_000);

test("guardEvents() on stop drops an incomplete event and sends the last one, even if the reader waits", async () => {
  const watchdog = new Watchdog({ metrics: createMetrics(), clock });
  const never = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode("event: next\n"));
      controller.enqueue(encoder.encode("data: 1\n\n"));
      controller.enqueue(encoder.encode("event: next\n"));
    },
  });
  const guarded = guardEvents(new Response(never), watchdog);
  const text = guarded.text();
  await new Promise((resolve) => setImmediate(resolve));
  watchdog.stop();
  expect(await text).toMatch(/^event: next\ndata: 1\n\nretry: 1000\nevent: next\ndata: \{"errors".*\}\n\n$/);
  watchdog[Symbol.dispose]();
});

test("guardEvents() cuts off a reader that takes no event for 30 s, but not a reader that waits for one", async () => {
  const metrics = createMetrics();
  using watchdog = new Watchdog({ metrics, clock });
  const stalled = () => metricValue(metrics, 'live_connections_ended_total{transport="sse",reason="stalled"}');
  const slow = guardEvents(streamOf(["1", "2"]), watchdog).body?.getReader();
  await slow?.read();
  const quiet = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode("data: 1\n\n")),
  });
  const waiting = guardEvents(new Response(quiet), watchdog).body?.getReader();
  await waiting?.read();
  const second = waiting?.read();
  await clock.advance(STALLED_MS - 1);
  expect(await stalled()).toBeNaN();
  await clock.advance(PING_MS / 4);
  expect(await stalled()).toBe(1);
  expect(slow?.read()).rejects.toBeUndefined();
  await waiting?.cancel();
  expect(await second).toEqual({ done: true, value: undefined });
});
