import { describe, expect, test } from "bun:test";
import type { Peer } from "crossws";
import { createSocketPlaces } from "../../../services/api-gateway/live/socket-places.ts";
import { SocketSession } from "../../../services/api-gateway/live/socket-session.ts";
import { PING_MS, SILENT_MS, STALLED_MS, Watchdog } from "../../../services/api-gateway/live/watchdog.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { metricValue } from "../../support/process/metric-value.ts";
import { ManualClock, settled } from "../../support/time/manual-clock.ts";

const OPEN = 1;

/** A session over a socket that records the sent messages; tests set its `bufferedAmount`. */
function openSession({ bufferedAmount = 0 } = {}) {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const watchdog = new Watchdog({ metrics, clock });
  const sent: string[] = [];
  const ends: unknown[] = [];
  const socket = {
    bufferedAmount,
    websocket: { readyState: OPEN, terminate() {} },
    send: (text: string) => sent.push(text),
    close: (code: number) => ends.push(code),
    terminate: () => ends.push("terminated"),
    waitForDrain: async () => {},
  };
  const session = new SocketSession(socket as unknown as Peer, {
    client: "192.0.2.1",
    watchdog,
    places: createSocketPlaces(1000),
  });
  return {
    clock,
    watchdog,
    session,
    socket,
    sent,
    ends,
    ended: (reason: string) =>
      metricValue(metrics, `live_connections_ended_total{transport="websocket",reason="${reason}"}`),
  };
}

/** Results that a test pushes, one at a time. */
function openResults() {
  const waiting: ((result: IteratorResult<unknown>) => void)[] = [];
  const state = { returned: false };
  const results = {
    next: () => new Promise<IteratorResult<unknown>>((resolve) => waiting.push(resolve)),
    return: async () => {
      state.returned = true;
      return { done: true as const, value: undefined };
    },
    [Symbol.asyncIterator]: () => results,
  };
  return { results, state, push: (value: unknown) => waiting.shift()?.({ done: false, value }) };
}

describe("a socket session", () => {
  test("pings its client, and closes with 4408 after 45 s without a message", async () => {
    const { clock, session, sent, ends, ended } = openSession();
    await clock.advance(PING_MS);
    expect(sent).toEqual(['{"type":"ping"}']);
    session.heard();
    await clock.advance(SILENT_MS);
    expect([sent.length, ends]).toEqual([4, []]);
    await clock.advance(PING_MS / 4);
    expect(ends).toEqual([4408]);
    expect(await ended("silent")).toBe(1);
  });

  test("closes with 4408 when none of its buffered bytes was taken for 30 s", async () => {
    const { clock, session, socket, ends, ended } = openSession({ bufferedAmount: 1000 });
    const hear = async (ms: number) => {
      session.heard();
      await clock.advance(ms);
    };
    await hear(STALLED_MS - PING_MS);
    socket.bufferedAmount = 999;
    await hear(STALLED_MS);
    expect(ends).toEqual([]);
    await hear(PING_MS / 2);
    expect(ends).toEqual([4408]);
    expect(await ended("stalled")).toBe(1);
  });

  test("closes with 1001 when the server stops, and ends its subscriptions", async () => {
    const { watchdog, session, ends, ended } = openSession();
    const { results, state } = openResults();
    void session.pump("a", results).next();
    watchdog.stop();
    expect([ends, state.returned]).toEqual([[1001], true]);
    expect(await ended("stopping")).toBe(1);
  });

  test("terminates a socket that is still open a second after its close", async () => {
    for (const readyState of [OPEN, 3]) {
      const { clock, watchdog, socket, ends } = openSession();
      watchdog.stop();
      socket.websocket.readyState = readyState;
      await clock.advance(1000);
      expect(ends).toEqual(readyState === OPEN ? [1001, "terminated"] : [1001]);
    }
  });

  test("sends each result under its subscription's id, and nothing after it was closed", async () => {
    const { session, sent } = openSession();
    const { results, push } = openResults();
    const over = session.pump('a"b', results).next();
    push({ data: { n: 1 } });
    await settled();
    push({ stringify: () => "encoded before" });
    await settled();
    expect(sent).toEqual([
      '{"id":"a\\"b","type":"next","payload":{"data":{"n":1}}}',
      '{"id":"a\\"b","type":"next","payload":encoded before}',
    ]);
    session.close();
    push({ data: { n: 3 } });
    expect(await over).toEqual({ done: true, value: undefined });
    expect(sent).toHaveLength(2);
  });
});
