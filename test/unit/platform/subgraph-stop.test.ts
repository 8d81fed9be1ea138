import { expect, test } from "bun:test";
import WebSocket from "ws";
import { runSubgraph } from "../../../services/platform/graphql/service.ts";
import { healthOf } from "../../../services/platform/http/health.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { fillFleet, uuidOf } from "../../support/api/fleet.ts";
import { postGraphql } from "../../support/api/graphql-answer.ts";
import { ListedFeed, ListedStore } from "../../support/api/listed-store.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { freePort } from "../../support/servers/free-port.ts";
import { eventually } from "../../support/time/eventually.ts";

test("a stopping subgraph answers its running queries, and cuts subscriptions without completing them", async () => {
  const store = new ListedStore();
  const feed = new ListedFeed();
  fillFleet(store, { gpus: 3, ticks: 2 });
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const stop = new AbortController();
  const { log, lines } = keptLog();
  const running = runSubgraph(
    createTelemetrySchema({ repository: store, feed }),
    {
      listen: { port, host: "127.0.0.1" },
      queryTimeoutMs: 30_000,
      internalToken: null,
      log: { level: "info", format: "json" },
    },
    { log, metrics: createMetrics(), health: () => healthOf({}), signal: stop.signal },
  );
  await eventually(() => lines.some(({ message }) => message === "listening"), { what: "listening" });
  expect((await fetch(`http://${address}/readyz`)).status).toBe(200);

  const socket = new WebSocket(`ws://${address}/graphql`, "graphql-transport-ws");
  const types: string[] = [];
  socket.on("message", (data) => void types.push((JSON.parse(String(data)) as { type: string }).type));
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise((resolve) => socket.on("open", resolve));
  socket.send(JSON.stringify({ type: "connection_init" }));
  const query = "subscription { readings { missed } }";
  socket.send(JSON.stringify({ id: "one", type: "subscribe", payload: { query } }));
  await eventually(() => types.includes("next"), { what: "the snapshot" });

  let release = () => {};
  store.before = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const page = JSON.stringify({ query: `{ gpuTelemetry(uuid: "${uuidOf(1)}") { count } }` });
  const answer = postGraphql(`http://${address}/graphql`, page);
  await eventually(() => store.calls.readings === 1, { what: "the store call" });
  stop.abort();
  release();
  expect(await (await answer).json()).toEqual({ data: { gpuTelemetry: { count: 4 } } });
  expect(await running).toBe(0);
  // A normal closure or a `complete` would mean that the subscription is over. The gateway would not resume it.
  expect([1001, 1006]).toContain(await closed);
  expect(types).toEqual(["connection_ack", "next"]);
  expect(feed.subscribers.size).toBe(0);
});
