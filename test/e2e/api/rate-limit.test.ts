import { describe, expect, test } from "bun:test";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { openApi } from "../../support/api/api.ts";
import { openContract } from "../../support/api/contract.ts";
import { serveApiOn } from "../../support/api/served-api.ts";

/** Repeats the request until it is refused: a token may have become free meanwhile. */
async function refusedOf(ask: () => Promise<Response>): Promise<Response> {
  for (let n = 0; n < 20; n++) {
    const response = await ask();
    if (response.status === 429) return response;
    await response.text();
  }
  throw new Error("20 requests were accepted");
}

const ask = (url: string, path: string, client: string) =>
  fetch(url + path, { headers: { "x-forwarded-for": client } });

/** The error code, or `ok`, of each of `count` operations in a row on one socket. */
async function operations(url: string, client: string, count: number): Promise<unknown[]> {
  class From extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { headers: { "x-forwarded-for": client } });
    }
  }
  const socket = createClient({ url: `${url.replace("http", "ws")}/graphql`, webSocketImpl: From, retryAttempts: 0 });
  const answers: unknown[] = [];
  for (let n = 0; n < count; n++) {
    const answer = await socket
      .iterate({ query: "{ __typename }" })
      .next()
      .then(
        ({ value }) => (value?.data ? "ok" : value),
        (problem) => problem[0]?.extensions.code ?? problem,
      );
    answers.push(answer);
  }
  await socket.dispose();
  return answers;
}

for (const runtime of ["bun", "deno"] as const) {
  test(`RATE_LIMIT counts requests and operations of one address together, on ${runtime}`, async () => {
    await using api = await serveApiOn(runtime, { config: { rateLimit: 3, trustedProxies: 1 } });
    const pages = ["/", "/api/v1/gpus", "/graphql?query={__typename}", "/nothing"];
    const statuses = [];
    for (const path of pages) statuses.push((await ask(api.url, path, "1.1.1.1, 192.0.2.1")).status);
    expect(statuses).toEqual([200, 200, 200, 404]);
    // The burst was six: four requests, the handshake, and one operation.
    const answers = await operations(api.url, "2.2.2.2, 192.0.2.1", 12);
    expect(answers[0]).toBe("ok");
    expect(answers).toContain("OVERLOADED");
    await refusedOf(() => ask(api.url, "/", "3.3.3.3, 192.0.2.1"));
    expect((await ask(api.url, "/", "1.1.1.1, 192.0.2.2")).status).toBe(200);
    expect((await fetch(`${api.url}/`)).status).toBe(200);
  }, 60_000);
}

describe("a client over its rate", () => {
  test("gets 429 in the format of its request, with the time of a retry; probes are answered", async () => {
    await using api = await openApi({ config: { rateLimit: 1 } });
    const contract = await openContract(api.url);
    const rest = await refusedOf(() => api.get("/api/v1/gpus"));
    expect([rest.status, rest.headers.get("retry-after"), rest.headers.get("x-content-type-options")]).toEqual([
      429,
      "1",
      "nosniff",
    ]);
    contract.check("/api/v1/gpus", rest, await rest.text());
    const graphql = await refusedOf(() => api.get("/graphql?query={__typename}"));
    expect((await graphql.json()).errors[0]).toMatchObject({
      message: "Requests of one client must not exceed 1 per second (RATE_LIMIT)",
      extensions: { code: "OVERLOADED", retryAfterMs: expect.any(Number) },
    });
    const upgrade = { headers: { upgrade: "websocket", connection: "upgrade" } };
    const socket = await refusedOf(() => api.get("/graphql", upgrade));
    expect(socket.headers.get("x-content-type-options")).toBe("nosniff");
    for (const path of ["/health", "/healthz", "/readyz"]) expect((await api.get(path)).status).toBe(200);
    expect(await api.metrics.render()).toMatch(/gpu_telemetry_rate_limited_total\{transport="http"\} [3-9]/);
  });

  test("does not exist without RATE_LIMIT", async () => {
    await using api = await openApi();
    const all = await Promise.all(Array.from({ length: 300 }, () => api.get("/healthz/nothing")));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([404]));
  });
});
