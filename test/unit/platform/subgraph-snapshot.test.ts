import { expect, test } from "bun:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { openTelemetry } from "../../support/api/subgraph.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { eventually } from "../../support/time/eventually.ts";

test("a client that leaves before the snapshot aborts the store's call, and nothing is logged", async () => {
  const { log, lines } = keptLog();
  await using subgraph = await openTelemetry({ log });
  let stops = 0;
  subgraph.store.beforeLatest = (signal) =>
    new Promise((_, reject) => {
      signal?.addEventListener("abort", () => {
        stops++;
        reject(signal.reason);
      });
    });
  const client = createClient({ url: subgraph.url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 });
  const frames = client.iterate({ query: "subscription { readings { missed } }" });
  const first = frames.next();
  await eventually(() => subgraph.store.calls.latest === 1, { what: "the store call" });
  await frames.return?.();
  await first;
  await eventually(() => stops === 1, { what: "the store call to stop" });
  // The same socket still answers. An error of the first operation would have come before.
  expect((await client.iterate({ query: "{ __typename }" }).next()).value?.data).toEqual({ __typename: "Query" });
  expect(lines.filter(({ method }) => method !== "info")).toEqual([]);
  expect(subgraph.feed.subscribers.size).toBe(0);
  await client.dispose();
});
