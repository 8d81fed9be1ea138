import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { fillQueue } from "../../support/api/pipeline-api.ts";
import { openEvents } from "../../support/api/sse.ts";
import { eventually } from "../../support/time/eventually.ts";

const QUERY = "subscription { queues { name ready dead counters { published } publishedPerSecond ackedPerSecond } }";

for (const [wiring, open] of [
  ["in the same process", openApi],
  ["over the wire", openRemoteApi],
] as const) {
  describe(`subscription queues with subgraphs ${wiring}`, () => {
    let api: Awaited<ReturnType<typeof openApi>>;
    beforeEach(async () => {
      api = await open();
    });
    afterEach(() => api[Symbol.asyncDispose]());

    test("sends figures at once and every second, over WebSocket and SSE", async () => {
      const client = createClient({
        url: `${api.url.replace("http", "ws")}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      });
      // biome-ignore lint/suspicious/noExplicitAny: the shape is what the query says
      const frames = client.iterate<any>({ query: QUERY });
      await using events = await openEvents(api.url, QUERY);
      const overSocket = async () => (await frames.next()).value.data.queues;
      const overEvents = async () => (await events.next()).data.queues;
      for (const next of [overSocket, overEvents]) {
        const [queue] = await next();
        expect(queue).toMatchObject({ name: "readings", ready: 0, dead: 0, counters: { published: 0 } });
      }
      await fillQueue(api.queue, ["a", "b", "c"], 1);
      for (const next of [overSocket, overEvents]) {
        const queue = await eventually(
          async () => {
            const [told] = await next();
            return told.counters.published === 3 && told;
          },
          { what: "the three batches" },
        );
        expect(queue).toMatchObject({ ready: 2, dead: 1, ackedPerSecond: 0 });
        expect(queue.publishedPerSecond).toBeGreaterThan(0);
      }
      expect((await api.graphql("{ queues { publishedPerSecond ackedPerSecond } }")).data.queues).toEqual([
        { publishedPerSecond: null, ackedPerSecond: null },
      ]);
      await client.dispose();
    });
  });
}

test("subscription queues resumes after its connection was cut", async () => {
  await using api = await openRemoteApi();
  await using events = await openEvents(api.url, QUERY);
  expect((await events.next()).data.queues).toHaveLength(1);
  const refused = await api.links.pipeline.refuse();
  api.links.pipeline.cutAll();
  await refused[Symbol.asyncDispose]();
  await fillQueue(api.queue, ["a"], 1);
  const resumed = async () => (await events.next()).data.queues[0].counters.published === 1;
  await eventually(resumed, { what: "the figures since the cut" });
});
