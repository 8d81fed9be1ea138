/** One client cannot hold all sockets and subscriptions of a process. */
import { expect, test } from "bun:test";
import WebSocket from "ws";
import { openApi } from "../../support/api/api.ts";
import { openRawSocket, type RawSocket, subscribeMessage } from "../../support/api/sockets.ts";
import { eventually } from "../../support/time/eventually.ts";

const SUBSCRIPTION = "subscription { readings { missed } }";
const first = (told: RawSocket["told"], id: string) => told.find((message) => message.id === id);

test("once half of the subscriptions run, a client has a tenth of them at most, over WebSocket and SSE", async () => {
  await using api = await openApi({ config: { maxSubscriptions: 20, trustedProxies: 1 } });
  const [greedy, other] = [
    await openRawSocket(api.url, { client: "192.0.2.1" }),
    await openRawSocket(api.url, { client: "192.0.2.2" }),
  ];
  const outcome = async ({ told, send }: RawSocket, id: string) => {
    send(subscribeMessage(id, SUBSCRIPTION));
    await eventually(() => first(told, id), { what: `an answer to ${id}` });
    return first(told, id)?.type;
  };
  for (let n = 0; n < 10; n++) expect(await outcome(greedy, `a${n}`)).toBe("next");
  const streamOf = (client: string) =>
    api.get(`/graphql?query=${encodeURIComponent(SUBSCRIPTION)}`, {
      headers: { accept: "text/event-stream", "x-forwarded-for": client },
    });
  expect(await outcome(greedy, "beyond")).toBe("next");
  expect(JSON.stringify(first(greedy.told, "beyond"))).toContain("more than 2 of 20 subscriptions");
  expect(await (await streamOf("192.0.2.1")).text()).toContain("more than 2 of 20 subscriptions");
  for (const id of ["b1", "b2"]) {
    await outcome(other, id);
    expect(JSON.stringify(first(other.told, id))).not.toContain("errors");
  }
  for (const { socket } of [greedy, other]) socket.terminate();
});

test("sockets without a token take no place of others", async () => {
  await using api = await openApi({ config: { maxSubscriptions: 10, apiToken: "s3cret", trustedProxies: 1 } });
  const init = { authorization: "Bearer s3cret" };
  const silent = [];
  for (let n = 0; n < 5; n++) silent.push(await openRawSocket(api.url, { client: "192.0.2.1", init: null }));
  const refused = new WebSocket(`${api.url.replace("http", "ws")}/graphql`, "graphql-transport-ws", {
    headers: { "x-forwarded-for": "192.0.2.1" },
  });
  const status = await new Promise((resolve) => refused.on("error", (error) => resolve(String(error))));
  expect(status).toContain("429");
  for (let n = 0; n < 10; n++) {
    const { told } = await openRawSocket(api.url, { client: "192.0.2.2", init });
    expect(told[0]?.type).toBe("connection_ack");
  }
  const wrong = await openRawSocket(api.url, { client: "192.0.2.3", init: { authorization: "Bearer other" } });
  expect(await wrong.closed).toBe(4403);
  for (const { socket } of silent) socket.terminate();
});
