import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type ClientOptions, createClient } from "graphql-ws";
import WebSocket from "ws";
import { openApi } from "../../support/api/api.ts";
import { START, TEMP, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { openEvents } from "../../support/api/sse.ts";
import { eventually } from "../../support/time/eventually.ts";

let api: Awaited<ReturnType<typeof openApi>>;
beforeEach(async () => {
  api = await openApi({ gpus: 3, ticks: 2, config: { maxSubscriptions: 3, corsOrigins: ["https://ok.example"] } });
});
afterEach(() => api[Symbol.asyncDispose]());

const READINGS = "readings { readings { gpuUuid hostname metricName value timestamp } missed }";
const live = (number: number, value: number) => ({
  gpu: uuidOf(number),
  host: "host-000",
  series: UTIL,
  at: START + 60_000,
  value,
});
const watched = (count: number) => eventually(() => api.feed.subscribers.size === count, { what: `${count} watching` });

describe("subscription readings over SSE", () => {
  test("sends a snapshot of the newest readings, then what arrives", async () => {
    await using events = await openEvents(api.url, `subscription { ${READINGS} }`);
    expect(events.response.headers.get("content-type")).toContain("text/event-stream");
    const first = (await events.next()).data.readings;
    expect(first.missed).toBe(0);
    expect(first.readings).toHaveLength(6);
    expect(first.readings[0]).toEqual({
      gpuUuid: uuidOf(0),
      hostname: "host-000",
      metricName: TEMP,
      value: 31.5,
      timestamp: "2025-07-20T10:00:01Z",
    });
    api.feed.tell(live(1, 77));
    expect((await events.next()).data.readings.readings).toEqual([
      { gpuUuid: uuidOf(1), hostname: "host-000", metricName: UTIL, value: 77, timestamp: "2025-07-20T10:01:00Z" },
    ]);
  });

  test("loses no reading that is published while the snapshot is taken", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    api.store.before = () => held;
    const opening = openEvents(api.url, `subscription { ${READINGS} }`);
    await watched(1);
    api.feed.tell(live(2, 99));
    release();
    await using events = await opening;
    expect((await events.next()).data.readings.readings).toHaveLength(6);
    expect((await events.next()).data.readings.readings[0].value).toBe(99);
  });

  test("filters the snapshot and the feed alike, aliases and thresholds included", async () => {
    const filter = `{ gpus: ["${uuidOf(0)}", "${uuidOf(2)}"], namespaces: ["research"], metrics: ["${TEMP}"], above: 31 }`;
    await using events = await openEvents(
      api.url,
      `subscription { readings(filter: ${filter}, minInterval: "250ms") { readings { gpuUuid metricName value } } }`,
    );
    expect((await events.next()).data.readings.readings).toEqual([
      { gpuUuid: uuidOf(0), metricName: TEMP, value: 31.5 },
      { gpuUuid: uuidOf(2), metricName: TEMP, value: 31.5 },
    ]);
    const [subscriber] = api.feed.subscribers;
    expect(subscriber).toEqual({
      minIntervalMs: 225,
      filter: {
        gpus: [uuidOf(0), uuidOf(2)],
        hosts: undefined,
        namespaces: ["research"],
        metrics: [TEMP],
        above: 31,
        below: undefined,
      },
    });
  });

  test("sends an empty snapshot when nothing matches", async () => {
    await using events = await openEvents(
      api.url,
      `subscription { readings(filter: { hosts: ["none"] }) { missed readings { value } } }`,
    );
    expect((await events.next()).data.readings).toEqual({ missed: 0, readings: [] });
  });

  test("ends upstream as soon as the reader leaves, however quiet the feed is", async () => {
    const events = await openEvents(api.url, `subscription { ${READINGS} }`);
    await events.next();
    await watched(1);
    await events[Symbol.asyncDispose]();
    await watched(0);
  });

  test("keeps a quiet stream alive with comments", async () => {
    await using events = await openEvents(api.url, `subscription { ${READINGS} }`);
    await events.next();
    await eventually(() => events.pings() >= 2, { what: "two comments" });
  }, 60_000);

  test("refuses more than MAX_SUBSCRIPTIONS, and accepts new ones when others leave", async () => {
    // Equal ones would share one subscription of the feed.
    const query = (n: number) => `subscription { readings(minInterval: "${n}s") { missed } }`;
    const open = await Promise.all([1, 2, 3].map((n) => openEvents(api.url, query(n))));
    await watched(3);
    await using refused = await openEvents(api.url, query(1));
    expect((await refused.next()).errors?.[0]).toMatchObject({ extensions: { code: "OVERLOADED" } });
    await open[0]?.[Symbol.asyncDispose]();
    await watched(2);
    await using again = await openEvents(api.url, query(1));
    expect((await again.next()).errors).toBeUndefined();
    for (const events of open) await events[Symbol.asyncDispose]();
  });

  test("ends upstream when Accept allows no events", async () => {
    for (const accept of ["application/json", "multipart/mixed", "image/png"]) {
      for (const field of ["readings { missed }", "queues { name }"]) {
        const asked = { headers: { accept } };
        const response = await api.get(`/graphql?query=${encodeURIComponent(`subscription { ${field} }`)}`, asked);
        expect([accept, response.status]).toEqual([accept, 406]);
      }
    }
    await watched(0);
    await using events = await openEvents(api.url, `subscription { ${READINGS} }`);
    expect((await events.next()).errors).toBeUndefined();
  });

  test("is open to pages of its own origin and of CORS_ORIGINS, and to no other", async () => {
    const query = "subscription { readings { missed } }";
    const pages: [Record<string, string>, number][] = [
      [{ origin: api.url }, 200],
      [{ "sec-fetch-site": "same-origin" }, 200],
      [{ origin: "https://ok.example" }, 200],
      [{ origin: "https://evil.example" }, 403],
      [{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }, 403],
      [{ origin: "null" }, 403],
    ];
    for (const [headers, status] of pages) {
      await using events = await openEvents(api.url, query, { headers });
      expect([headers, events.response.status]).toEqual([headers, status]);
      expect(events.response.headers.get("access-control-allow-origin")).toBe(
        headers.origin === "https://ok.example" ? "https://ok.example" : null,
      );
    }
  });
});

describe("subscription readings over WebSocket", () => {
  const connect = (options: Partial<ClientOptions> = {}) =>
    createClient({
      url: `${api.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      ...options,
    });

  test("sends a snapshot, then what arrives, and answers queries on the same socket", async () => {
    const client = connect();
    const frames = client.iterate({ query: `subscription { ${READINGS} }` });
    // biome-ignore lint/suspicious/noExplicitAny: the shape is what the query says
    const next = async () => (await frames.next()).value as any;
    expect((await next()).data.readings.readings).toHaveLength(6);
    api.feed.tell(live(1, 42));
    expect((await next()).data.readings.readings[0].value).toBe(42);
    for await (const { data } of client.iterate({ query: "{ gpus { total } }" }))
      expect(data).toEqual({ gpus: { total: 3 } });
    await frames.return?.();
    await watched(0);
    await client.dispose();
  });

  test("continues when another operation of the socket fails", async () => {
    const client = connect();
    const frames = client.iterate({ query: `subscription { ${READINGS} }` });
    await frames.next();
    const failing = [
      "{",
      "{ nope }",
      `{ ${Array.from({ length: 40 }, (_, n) => `a${n}: hosts { gpus }`).join(" ")} }`,
      `{ hosts { gpus } } #${"x".repeat(200_000)}`,
    ];
    for (const query of failing) {
      const outcome = await client
        .iterate({ query })
        .next()
        .then(
          ({ value }) => value?.errors,
          (errors: unknown) => errors,
        );
      expect(outcome).toBeArray();
    }
    api.feed.tell(live(1, 43));
    expect(JSON.stringify((await frames.next()).value)).toContain("43");
    await client.dispose();
    await watched(0);
  });

  test("is refused when its id exceeds the length of an operation", async () => {
    const client = connect({ generateID: () => "x".repeat(150_000) });
    const asked = client.iterate({ query: `subscription { ${READINGS} }` }).next();
    await expect(asked).rejects.toMatchObject([{ extensions: { code: "TOO_LARGE" } }]);
    await client.dispose();
  });

  test("is refused on other paths and to pages of other origins", async () => {
    const refused = async (path: string, origin?: string) => {
      const socket = new WebSocket(
        api.url.replace("http", "ws") + path,
        "graphql-transport-ws",
        origin === undefined ? {} : { origin },
      );
      return await new Promise((resolve) => {
        socket.on("open", () => {
          socket.close();
          resolve("open");
        });
        socket.on("error", (error) => resolve(error.message));
      });
    };
    expect(await refused("/graphql")).toBe("open");
    expect(await refused("/graphql", "https://ok.example")).toBe("open");
    expect(await refused("/graphql", "https://evil.example")).not.toBe("open");
    expect(await refused("/elsewhere")).not.toBe("open");
  });
});
