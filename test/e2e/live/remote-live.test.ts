import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { openRemoteApi } from "../../support/api/api.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { openEvents } from "../../support/api/sse.ts";
import { eventually } from "../../support/time/eventually.ts";

const READINGS = "subscription { readings { readings { gpuUuid value } missed } }";
interface Frame {
  readonly readings: readonly { readonly gpuUuid: string; readonly value: number }[];
  readonly missed: number;
}

const live = (number: number, value: number) => ({
  gpu: uuidOf(number),
  host: "host-000",
  series: UTIL,
  at: START + 60_000,
  value,
});

let api: Awaited<ReturnType<typeof openRemoteApi>>;
beforeEach(async () => {
  api = await openRemoteApi({ config: { maxSubscriptions: 800 } });
});
afterEach(() => api[Symbol.asyncDispose]());
const watched = (count: number) => eventually(() => api.feed.subscribers.size === count, { what: `${count} watching` });

describe("subscriptions of a remote subgraph", () => {
  test("share one connection, 400 of them", async () => {
    const clients = Array.from({ length: 4 }, () =>
      createClient({
        url: `${api.url.replace("http", "ws")}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      }),
    );
    // All different, as equal ones would share one subscription of the subgraph.
    const all = Array.from({ length: 400 }, (_, n) => {
      const query = READINGS.replace("readings", `readings(minInterval: "${100 + n}ms")`);
      return (clients[n % 4] as (typeof clients)[0]).iterate<{ readings: Frame }>({ query });
    });
    const next = () => Promise.all(all.map(async (frames) => (await frames.next()).value?.data?.readings));
    for (const snapshot of await next()) expect(snapshot?.readings).toHaveLength(6);
    expect(api.links.telemetry.connections).toBe(1);
    api.feed.tell(live(1, 42));
    for (const frame of await next())
      expect(frame).toEqual({ readings: [{ gpuUuid: uuidOf(1), value: 42 }], missed: 0 });
    expect((await api.graphql("{ gpus { total } }")).data).toEqual({ gpus: { total: 3 } });
    for (const client of clients) await client.dispose();
    await watched(0);
  }, 60_000);

  test("resume after their connection was cut, with `missed` set", async () => {
    await using events = await openEvents(api.url, READINGS);
    const client = createClient({
      url: `${api.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const frames = client.iterate({ query: READINGS.replace("readings", 'readings(minInterval: "2s")') });
    // biome-ignore lint/suspicious/noExplicitAny: the shape is what the query says
    const overSocket = async () => ((await frames.next()).value as any).data.readings;
    const overEvents = async () => (await events.next()).data.readings;
    for (const next of [overEvents, overSocket]) expect(await next()).toMatchObject({ missed: 0 });
    const refused = await api.links.telemetry.refuse();
    api.links.telemetry.cutAll();
    await watched(0);
    await refused[Symbol.asyncDispose]();
    await watched(2);
    for (const next of [overEvents, overSocket]) {
      const snapshot = await next();
      expect([snapshot.readings.length, snapshot.missed]).toEqual([6, 1]);
    }
    api.feed.tell(live(1, 43));
    for (const next of [overEvents, overSocket]) {
      expect(await next()).toEqual({ readings: [{ gpuUuid: uuidOf(1), value: 43 }], missed: 0 });
    }
    expect(await api.metrics.render()).toContain('subgraph_resumed_subscriptions_total{subgraph="telemetry"} 2');
    await client.dispose();
    await events[Symbol.asyncDispose]();
    await watched(0);
  }, 60_000);

  test("are refused while the subgraph cannot be reached", async () => {
    const refused = await api.links.telemetry.refuse();
    await using events = await openEvents(api.url, READINGS);
    expect((await events.next()).errors).toEqual([
      expect.objectContaining({ extensions: { code: "UNAVAILABLE", retryAfterMs: 1000 } }),
    ]);
    await refused[Symbol.asyncDispose]();
    await using again = await openEvents(api.url, READINGS);
    expect((await again.next()).data.readings.readings).toHaveLength(6);
  }, 60_000);

  test("end with the error of a refusal, and leave the others of the connection alone", async () => {
    await using events = await openEvents(api.url, READINGS);
    await events.next();
    await using refused = await openEvents(api.url, 'subscription { readings(filter: { gpus: ["x"] }) { missed } }');
    expect((await refused.next()).errors?.[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT" } });
    api.feed.tell(live(1, 44));
    expect((await events.next()).data.readings.readings).toEqual([{ gpuUuid: uuidOf(1), value: 44 }]);
  });

  test("end upstream when their reader leaves, also before the first frame", async () => {
    const events = await openEvents(api.url, READINGS);
    await events.next();
    await watched(1);
    await events[Symbol.asyncDispose]();
    await watched(0);
    let release = () => {};
    api.store.before = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const early = await openEvents(api.url, READINGS);
    await watched(1);
    await early[Symbol.asyncDispose]();
    await watched(0);
    release();
  });
});
