import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import WebSocket from "ws";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { eventually } from "../../support/time/eventually.ts";
import { settled } from "../../support/time/settled.ts";

const QUERY = "subscription { readings { readings { gpuUuid hostname metricName value timestamp } missed } }";
/** About 16 MB of text, more than sockets buffer. */
const FRAMES = 400;
const READINGS = Array.from({ length: 300 }, (_, value) => ({
  gpu: uuidOf(1),
  host: "host-000",
  series: UTIL,
  at: START,
  value,
}));
const MAX_TAKEN = FRAMES / 2;

for (const [wiring, open] of Object.entries({ "in this process": openApi, "over the wire": openRemoteApi })) {
  test(`a paused reader over WebSocket holds back its own frames, and loses none, with subgraphs ${wiring}`, async () => {
    await using api = await open();
    const socket = new WebSocket(`${api.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    let frames = 0;
    socket.on("message", (data) => {
      if (String(data).includes('"next"')) frames++;
    });
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "connection_init" }));
    socket.send(JSON.stringify({ id: "slow", type: "subscribe", payload: { query: QUERY } }));
    await eventually(() => frames === 1, { what: "the snapshot" });
    socket.pause();
    for (let frame = 0; frame < FRAMES; frame++) api.feed.tell(...READINGS);
    const before = await settled(() => api.feed.waiting);
    expect(before).toBeGreaterThan(FRAMES - MAX_TAKEN);
    socket.resume();
    await eventually(() => frames === 1 + FRAMES, { what: "every frame" });
    socket.close();
    await eventually(() => api.feed.subscribers.size === 0, { what: "no subscriber" });
  }, 60_000);

  test(`a paused reader over SSE holds back its own frames, with subgraphs ${wiring}`, async () => {
    await using api = await open();
    const { port } = new URL(api.url);
    const socket = connect(Number(port), "127.0.0.1");
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    const path = `/graphql?query=${encodeURIComponent(QUERY)}`;
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: text/event-stream\r\n\r\n`);
    await eventually(() => text.includes("event: next"), { what: "the snapshot" });
    socket.pause();
    for (let frame = 0; frame < FRAMES; frame++) api.feed.tell(...READINGS);
    expect(await settled(() => api.feed.waiting)).toBeGreaterThan(FRAMES - MAX_TAKEN);
    socket.resume();
    const told = () => text.split("event: next").length - 1;
    await eventually(() => told() === 1 + FRAMES, { what: "every frame" });
    socket.destroy();
    await eventually(() => api.feed.subscribers.size === 0, { what: "no subscriber" });
  }, 60_000);
}
