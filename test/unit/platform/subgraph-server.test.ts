import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { AppError } from "../../../schema/model/errors.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { openEvents } from "../../support/api/sse.ts";
import { openTelemetry } from "../../support/api/subgraph.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { eventually } from "../../support/time/eventually.ts";

const TOKEN = { authorization: "Bearer s3cret" };
const READINGS = "subscription { readings { readings { value } missed } }";
const PAGE = `{ gpuTelemetry(uuid: "${uuidOf(1)}", limit: 1) { telemetry { metricName value } } }`;

const { log, lines } = keptLog();
let subgraph: Awaited<ReturnType<typeof openTelemetry>>;
beforeEach(async () => {
  lines.length = 0;
  subgraph = await openTelemetry({ token: "s3cret", queryTimeoutMs: 400, log });
});
afterEach(() => subgraph[Symbol.asyncDispose]());

const watched = (count: number) =>
  eventually(() => subgraph.feed.subscribers.size === count, { what: `${count} watching` });
const live = (value: number) => ({ gpu: uuidOf(1), host: "host-000", series: UTIL, at: START + 60_000, value });

/** A store call that waits until its signal aborts. */
function stopped(): () => number {
  let count = 0;
  subgraph.store.before = (signal) =>
    new Promise((_, reject) => {
      signal?.addEventListener("abort", () => {
        count++;
        reject(new Error("stopped"));
      });
    });
  return () => count;
}

describe("a subgraph over HTTP", () => {
  test("answers queries and joins to callers that send INTERNAL_TOKEN", async () => {
    const { data } = await subgraph.graphql(PAGE, { headers: TOKEN });
    expect(data.gpuTelemetry.telemetry).toEqual([{ metricName: "DCGM_FI_DEV_GPU_TEMP", value: 31.5 }]);
    const joined = await subgraph.graphql(
      `{ _entities(representations: [{ __typename: "Gpu", uuid: "${uuidOf(2)}" }]) {
           ... on Gpu { latest(metrics: ["${UTIL}"]) { value } } } }`,
      { headers: TOKEN },
    );
    expect(joined.data._entities).toEqual([{ latest: [{ value: 3 }] }]);
    for (const headers of [{}, { authorization: "Bearer other" }]) {
      const refused = await subgraph.post(JSON.stringify({ query: PAGE }), { headers });
      expect(refused.status).toBe(401);
    }
  });

  test("shows a browser neither GraphiQL nor a landing page", async () => {
    const response = await fetch(subgraph.url, { headers: { ...TOKEN, accept: "text/html" } });
    expect(await response.text()).not.toContain("<html");
  });

  test("passes messages of AppErrors, and masks and logs other errors", async () => {
    subgraph.store.before = async () => {
      throw new AppError("The store is away", { code: "unavailable", retryAfterMs: 2500 });
    };
    const known = await subgraph.graphql(PAGE, { headers: TOKEN });
    expect(known.errors?.[0]).toMatchObject({
      message: "A dependency is unavailable: try again in a moment",
      extensions: { code: "UNAVAILABLE", retryAfterMs: 2500 },
    });
    subgraph.store.before = async () => {
      throw new Error("password=hunter2");
    };
    const masked = await subgraph.graphql(PAGE, { headers: TOKEN });
    expect(JSON.stringify(masked)).not.toContain("hunter2");
    expect(masked.errors?.[0]?.extensions?.code).toBe("INTERNAL_SERVER_ERROR");
    expect(JSON.stringify(lines)).toContain("query failed");
  });

  test("stops the store call at the deadline, and when the caller leaves", async () => {
    const count = stopped();
    const late = await subgraph.graphql(PAGE, { headers: TOKEN });
    expect(late.errors?.[0]).toMatchObject({ extensions: { code: "UNAVAILABLE" } });
    expect(count()).toBe(1);

    await using patient = await openTelemetry({ queryTimeoutMs: 60_000, log });
    subgraph.store.before = async () => {};
    let asked = 0;
    let ended = 0;
    patient.store.before = (signal) =>
      new Promise((_, reject) => {
        asked++;
        signal?.addEventListener("abort", () => {
          ended++;
          reject(new Error("stopped"));
        });
      });
    const leave = new AbortController();
    const left = patient.graphql(PAGE, { signal: leave.signal }).catch(() => "left");
    await eventually(() => asked === 1, { what: "the store to be asked" });
    leave.abort();
    expect(await left).toBe("left");
    await eventually(() => ended === 1, { what: "the store call to stop" });
    expect(lines.filter(({ method }) => method === "error")).toEqual([]);
  });

  test("refuses a body of more than 16 MB, with and without a length, and takes a join of 10,000 GPUs", async () => {
    const huge = JSON.stringify({ query: `${PAGE} #${"x".repeat(17_000_000)}` });
    for (const body of [huge, new Blob([huge]).stream()]) {
      expect((await subgraph.post(body, { headers: TOKEN })).status).toBe(413);
    }
    const representations = Array.from({ length: 10_000 }, (_, n) => ({ __typename: "Gpu", uuid: uuidOf(n) }));
    const query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Gpu { uuid } } }";
    const response = await subgraph.post(JSON.stringify({ query, variables: { r: representations } }), {
      headers: TOKEN,
    });
    const { data } = (await response.json()) as { data: { _entities: unknown[] } };
    expect(data._entities).toHaveLength(10_000);
  });

  test("measures its answers", async () => {
    await subgraph.graphql(PAGE, { headers: TOKEN });
    expect(await subgraph.metrics.render()).toContain(
      'gpu_telemetry_graphql_operation_duration_seconds_count{outcome="ok"} 1',
    );
  });

  test("streams a subscription over SSE, and ends it when the reader leaves", async () => {
    const events = await openEvents(subgraph.url.replace("/graphql", ""), READINGS, { headers: TOKEN });
    expect((await events.next()).data.readings.readings).toHaveLength(6);
    await watched(1);
    await events[Symbol.asyncDispose]();
    await watched(0);
  });

  test("ends a subscription whose caller takes no events", async () => {
    const headers = { ...TOKEN, accept: "application/json" };
    const response = await subgraph.post(JSON.stringify({ query: READINGS }), { headers });
    expect(response.status).toBe(406);
    await watched(0);
  });
});

describe("a subgraph over WebSocket", () => {
  const connect = (connectionParams: Record<string, string> = TOKEN) =>
    createClient({
      url: subgraph.url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams,
    });

  test("carries several subscriptions on one socket, each ended by its own reader", async () => {
    const client = connect();
    // biome-ignore lint/suspicious/noExplicitAny: the shape is what the query says
    const read = async (frames: AsyncIterator<any>) => (await frames.next()).value.data.readings.readings;
    const [first, second] = [client.iterate({ query: READINGS }), client.iterate({ query: READINGS })];
    expect(await read(first)).toHaveLength(6);
    expect(await read(second)).toHaveLength(6);
    subgraph.feed.tell(live(42));
    expect(await read(first)).toEqual([{ value: 42 }]);
    expect(await read(second)).toEqual([{ value: 42 }]);
    await first.return?.();
    await watched(1);
    subgraph.feed.tell(live(43));
    expect(await read(second)).toEqual([{ value: 43 }]);
    await client.dispose();
    await watched(0);
  });

  test("continues when another operation on the socket is refused", async () => {
    const client = connect();
    const frames = client.iterate({ query: READINGS });
    await frames.next();
    for (const query of ["{", "{ nope }", 'subscription { readings(filter: { gpus: ["x"] }) { missed } }']) {
      const outcome = await client
        .iterate({ query })
        .next()
        .then(
          ({ value }) => value?.errors,
          (errors: unknown) => errors,
        );
      expect(outcome).toEqual([expect.objectContaining({ extensions: expect.anything() })]);
    }
    subgraph.feed.tell(live(44));
    expect(JSON.stringify((await frames.next()).value)).toContain("44");
    await client.dispose();
  });

  test("stops a query's store call when its socket closes", async () => {
    const count = stopped();
    const client = connect();
    const answer = client
      .iterate({ query: PAGE })
      .next()
      .catch(() => {});
    await eventually(() => subgraph.store.calls.readings === 1, { what: "the store to be asked" });
    client.terminate();
    await eventually(() => count() === 1, { what: "the store call to stop" });
    await answer;
  });

  test("sends a reader who names a window no more frames than it has taken", async () => {
    const socket = new WebSocket(subgraph.url.replace("http", "ws"), "graphql-transport-ws");
    const received: { type: string; payload?: unknown }[] = [];
    socket.on("message", (data) => void received.push(JSON.parse(String(data))));
    await new Promise((resolve) => socket.on("open", resolve));
    const send = (message: object) => socket.send(JSON.stringify(message));
    const frames = () => received.filter(({ type }) => type === "next").length;
    send({ type: "connection_init", payload: TOKEN });
    await eventually(() => received.length === 1, { what: "the acknowledgement" });
    send({ id: "slow", type: "subscribe", payload: { query: READINGS, extensions: { window: 2 } } });
    send({ id: "fast", type: "subscribe", payload: { query: READINGS } });
    await watched(2);
    await eventually(() => frames() === 2, { what: "both snapshots" });
    for (let value = 1; value <= 5; value++) subgraph.feed.tell(live(value));
    // The fast one got its five, the slow one the second of its window.
    await eventually(() => frames() === 8, { what: "eight frames" });
    send({ type: "pong", payload: { taken: "slow" } });
    send({ type: "ping" });
    await eventually(() => received.some(({ type }) => type === "pong"), { what: "the answer to the ping" });
    await eventually(() => frames() === 9, { what: "one more frame" });
    // The subscription is waiting for room when it ends.
    send({ id: "slow", type: "complete" });
    await watched(1);
    socket.close();
    await watched(0);
  });

  test("is refused without the token", async () => {
    for (const params of [{}, { authorization: "Bearer other" }]) {
      const client = connect(params as Record<string, string>);
      const refused = await client
        .iterate({ query: READINGS })
        .next()
        .catch((close) => close.code);
      expect(refused).toBe(4403);
      await client.dispose();
    }
    expect(subgraph.feed.subscribers.size).toBe(0);
  });
});
