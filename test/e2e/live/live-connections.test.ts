/** Long-lived connections: dead and stalled ones are ended, and a stop makes clients connect again. */
import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { PING_MS, SILENT_MS } from "../../../services/api-gateway/live/watchdog.ts";
import { openApi } from "../../support/api/api.ts";
import { serveApiOn } from "../../support/api/served-api.ts";
import { eventually } from "../../support/time/eventually.ts";

/** 45 s of silence take a second and a half. */
const SPEED = 30;
const QUERY = "subscription { readings { readings { gpuUuid hostname metricName value timestamp } missed } }";
const PONG = JSON.stringify({ type: "pong" });
const INIT = JSON.stringify({ type: "connection_init" });
const subscribe = (id: string, query = QUERY) => JSON.stringify({ id, type: "subscribe", payload: { query } });
const addressOf = (url: string) => `${url.replace("http", "ws")}/graphql`;

/** The value of a metric; 0 before its first count. */
async function figure(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((candidate) => candidate.startsWith(`gpu_telemetry_${name} `));
  return Number(line?.split(" ").at(-1) ?? 0);
}
const running = (url: string) => figure(url, "subscriptions");
const ended = (url: string, transport: string, reason: string) =>
  figure(url, `live_connections_ended_total{transport="${transport}",reason="${reason}"}`);

/** Opens a stream of events and reads its head alone. */
async function readNothing(url: string): Promise<Socket> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  const path = `/graphql?query=${encodeURIComponent(QUERY)}`;
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: text/event-stream\r\n\r\n`);
  await once(socket, "data");
  socket.pause();
  return socket;
}

async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(addressOf(url), "graphql-transport-ws");
  socket.on("error", () => {});
  await once(socket, "open");
  socket.send(INIT);
  await once(socket, "message");
  return socket;
}

for (const runtime of ["bun", "deno"] as const) {
  describe(`on ${runtime}`, () => {
    test("a client that reads nothing is cut off, over WebSocket and SSE, and does not delay others", async () => {
      await using api = await serveApiOn(runtime, { speed: SPEED, tell: { everyMs: 5, readings: 400 } });
      const deaf = await openSocket(api.url);
      deaf.send(subscribe("deaf"));
      deaf.pause();
      // The client reads nothing, but is not silent.
      const pongs = setInterval(() => deaf.send(PONG), 200);
      const deafEvents = await readNothing(api.url);
      const reader = await openSocket(api.url);
      let frames = 0;
      reader.on("message", (data) => {
        if (String(data).includes('"next"')) frames++;
        if (String(data).includes('"ping"')) reader.send(PONG);
      });
      reader.send(subscribe("reader"));
      await eventually(async () => (await ended(api.url, "websocket", "stalled")) === 1, {
        what: "the socket to be ended",
      });
      await eventually(async () => (await ended(api.url, "sse", "stalled")) === 1, { what: "the stream to be ended" });
      await eventually(async () => (await running(api.url)) === 1, { what: "their subscriptions to end" });
      const before = frames;
      await eventually(() => frames > before + 50, { what: "the reader's frames" });
      expect(reader.readyState).toBe(WebSocket.OPEN);
      clearInterval(pongs);
      for (const socket of [deaf, reader]) socket.terminate();
      deafEvents.destroy();
    }, 60_000);

    test("a socket is pinged, and closed when it stays silent", async () => {
      await using api = await serveApiOn(runtime, { speed: SPEED });
      const [silent, alive] = [await openSocket(api.url), await openSocket(api.url)];
      let pings = 0;
      alive.on("message", (data) => {
        if (JSON.parse(String(data)).type !== "ping") return;
        pings++;
        alive.send(PONG);
      });
      for (const socket of [silent, alive]) socket.send(subscribe("a"));
      await eventually(async () => (await running(api.url)) === 2, { what: "both subscriptions" });
      const [code] = await once(silent, "close");
      expect(code).toBe(4408);
      await eventually(async () => (await running(api.url)) === 1, { what: "its subscription to end" });
      const before = pings;
      await eventually(() => pings > before + SILENT_MS / PING_MS, { what: "pings for longer than 45 s" });
      expect(alive.readyState).toBe(WebSocket.OPEN);
      alive.terminate();
    }, 60_000);

    test("a stop closes sockets with 1001, and ends streams with an error and no complete", async () => {
      await using api = await serveApiOn(runtime, {});
      const socket = await openSocket(api.url);
      socket.send(subscribe("a"));
      await once(socket, "message");
      const events = await fetch(`${api.url}/graphql?query=${encodeURIComponent(QUERY)}`, {
        headers: { accept: "text/event-stream" },
      });
      const text = events.text();
      await eventually(async () => (await running(api.url)) === 2, { what: "both subscriptions" });
      const closed = once(socket, "close");
      api.program.kill("SIGTERM");
      expect((await closed)[0]).toBe(1001);
      const last = (await text).trimEnd().split("\n\n").at(-1);
      expect(last).toMatch(/^retry: 1000\nevent: next\ndata: \{"errors":\[.*"code":"UNAVAILABLE","retryAfterMs":1000/);
      await eventually(async () => (await running(api.url)) === 0, { what: "no subscription" });
      // A client that connects meanwhile gets the same error.
      const late = await fetch(`${api.url}/graphql?query=${encodeURIComponent(QUERY)}`, {
        headers: { accept: "text/event-stream" },
      });
      expect(await late.text()).toContain("The server is stopping");
    }, 60_000);
  });
}

test("graphql-ws subscribes again by itself after a stop", async () => {
  const stop = new AbortController();
  await using first = await openApi({ signal: stop.signal });
  await using second = await openApi();
  let url = addressOf(first.url);
  const client = createClient({
    url: () => url,
    webSocketImpl: WebSocket,
    retryAttempts: 5,
    retryWait: async () => {},
  });
  const frames = client.iterate({ query: QUERY });
  expect((await frames.next()).value?.errors).toBeUndefined();
  url = addressOf(second.url);
  stop.abort();
  expect((await frames.next()).value?.errors).toBeUndefined();
  await eventually(() => second.feed.subscribers.size === 1, { what: "the subscription at the other server" });
  await client.dispose();
});

describe("one process accepts no more than", () => {
  test("100 operations of one socket", async () => {
    await using api = await openApi({ config: { maxSubscriptions: 1000 } });
    const client = createClient({ url: addressOf(api.url), webSocketImpl: WebSocket, retryAttempts: 0 });
    const open = Array.from({ length: 100 }, () => client.iterate({ query: QUERY }));
    for (const frames of open) await frames.next();
    const refusal = await client
      .iterate({ query: QUERY })
      .next()
      .catch((errors) => errors);
    expect(refusal[0]).toMatchObject({ extensions: { code: "OVERLOADED" } });
    await open[0]?.return?.();
    await eventually(
      () =>
        client
          .iterate({ query: "{ __typename }" })
          .next()
          .then(
            ({ value }) => value?.data !== undefined,
            () => false,
          ),
      { what: "room for another" },
    );
    await client.dispose();
  }, 60_000);

  test("two sockets for each subscription", async () => {
    await using api = await openApi({ config: { maxSubscriptions: 2 } });
    const sockets = [];
    for (let n = 0; n < 4; n++) sockets.push(await openSocket(api.url));
    const refused = new WebSocket(addressOf(api.url), "graphql-transport-ws");
    const [error] = await once(refused, "error");
    expect(String(error)).toContain("429");
    for (const socket of sockets) socket.close();
    await eventually(async () => (await figure(api.url, "websockets")) === 0, {
      what: "room again",
    });
    (await openSocket(api.url)).close();
  });

  test("a message of a megabyte closes its socket", async () => {
    await using api = await openApi();
    const socket = await openSocket(api.url);
    socket.send(subscribe("a", `# ${"x".repeat(1_100_000)}\n{ __typename }`));
    const [code] = await once(socket, "close");
    expect(code).toBe(1009);
  });
});
