import { expect, test } from "bun:test";
import { once } from "node:events";
import WebSocket from "ws";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { openEvents } from "../../support/api/sse.ts";
import { eventually } from "../../support/time/eventually.ts";

const QUERY = "subscription { readings { readings { gpuUuid value } missed } }";
const live = (value: number) => ({ gpu: uuidOf(1), host: "host-000", series: UTIL, at: START + 60_000, value });

interface Frame {
  readonly readings: readonly { readonly value: number }[];
  readonly missed: number;
}

/** A subscription on a socket of its own, which keeps its frames. */
async function watchOver(url: string) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  const frames: Frame[] = [];
  socket.on("message", (data) => {
    const message = JSON.parse(String(data));
    if (message.type === "next") frames.push(message.payload.data.readings);
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "connection_init" }));
  socket.send(JSON.stringify({ id: "a", type: "subscribe", payload: { query: QUERY } }));
  return { socket, frames };
}

for (const [wiring, open] of Object.entries({ "in this process": openApi, "over the wire": openRemoteApi })) {
  test(`equal subscriptions share one of the live feed, with subgraphs ${wiring}`, async () => {
    await using api = await open();
    const sockets: Awaited<ReturnType<typeof watchOver>>[] = [];
    const streams: Awaited<ReturnType<typeof openEvents>>[] = [];
    for (let n = 0; n < 4; n++) {
      const watch = await watchOver(api.url);
      sockets.push(watch);
      await eventually(() => watch.frames.length === 1, { what: "a snapshot over WebSocket" });
      expect(watch.frames[0]?.readings).toHaveLength(6);
      const events = await openEvents(api.url, QUERY);
      streams.push(events);
      expect((await events.next()).data.readings.readings).toHaveLength(6);
    }
    expect(api.feed.subscribers.size).toBe(1);
    api.feed.tell(live(42));
    const told = { readings: [{ gpuUuid: uuidOf(1), value: 42 }], missed: 0 };
    for (const events of streams) expect((await events.next()).data.readings).toEqual(told);
    for (const { frames } of sockets) {
      await eventually(() => frames.length === 2, { what: "the frame over WebSocket" });
      expect(frames[1]).toEqual(told as Frame);
    }
    for (const { socket } of sockets) socket.close();
    await eventually(() => api.feed.subscribers.size === 1, { what: "the streams alone" });
    for (const events of streams) await events[Symbol.asyncDispose]();
    await eventually(() => api.feed.subscribers.size === 0, { what: "no subscriber" });
  }, 60_000);

  test(`a slow reader of a shared subscription continues alone and reports what it missed, with subgraphs ${wiring}`, async () => {
    await using api = await open();
    const [slow, fast] = [await watchOver(api.url), await watchOver(api.url)];
    await eventually(() => slow.frames.length > 0 && fast.frames.length > 0, { what: "both snapshots" });
    slow.socket.pause();
    const large = Array.from({ length: 2000 }, (_, value) => live(value));
    // About 18 MB of text, more than sockets buffer.
    for (let told = 1; told <= 120; told++) {
      api.feed.tell(...large);
      await eventually(() => fast.frames.length > told, { what: "a frame of the fast reader" });
    }
    api.feed.tell(live(77));
    await eventually(() => fast.frames.at(-1)?.readings[0]?.value === 77, {
      what: "the newest value at the fast reader",
    });
    slow.socket.resume();
    await eventually(() => api.feed.subscribers.size === 2, { what: "the slow reader alone" });
    api.feed.tell(live(78));
    await eventually(() => slow.frames.at(-1)?.readings[0]?.value === 78, {
      what: "the newest value at the slow reader",
    });
    expect(slow.frames.length).toBeLessThan(fast.frames.length);
    expect(slow.frames.some(({ missed }) => missed > 0)).toBe(true);
    expect(fast.frames.every(({ missed }) => missed === 0)).toBe(true);
    for (const { socket } of [slow, fast]) socket.close();
    await eventually(() => api.feed.subscribers.size === 0, { what: "no subscriber" });
  }, 60_000);
}
