import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openRemoteApi } from "../../support/api/api.ts";
import { uuidOf } from "../../support/api/fleet.ts";
import { ask, fillQueue } from "../../support/api/pipeline-api.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { eventually } from "../../support/time/eventually.ts";

describe("failures on the way to a subgraph", () => {
  const { log, lines } = keptLog();
  let api: Awaited<ReturnType<typeof openRemoteApi>>;
  beforeEach(async () => {
    lines.length = 0;
    // Longer than any test waits.
    api = await openRemoteApi({ config: { queryTimeoutMs: 600_000 }, log });
  });
  afterEach(() => api[Symbol.asyncDispose]());
  const openHurried = () => openRemoteApi({ config: { queryTimeoutMs: 1000 }, log });
  const said = (message: string) => lines.filter((line) => line.message === message).map(({ fields }) => fields);

  test("an unavailable subgraph is null in joins and UNAVAILABLE elsewhere, until it answers again", async () => {
    const refused = await api.links.telemetry.refuse();
    api.links.telemetry.cutAll();
    const dimmed = await api.graphql("{ gpus(limit: 2) { total gpus { hostname latest { value } } } }");
    expect(dimmed.data.gpus).toEqual({
      total: 3,
      gpus: [
        { hostname: "host-000", latest: null },
        { hostname: "host-000", latest: null },
      ],
    });
    const away = expect.objectContaining({
      message: "Subgraph telemetry is unavailable: try again in a moment",
      extensions: { code: "UNAVAILABLE", retryAfterMs: 1000 },
    });
    expect(dimmed.errors).toEqual([away]);
    const alone = await api.graphql(`{ gpuTelemetry(uuid: "${uuidOf(1)}") { count } }`);
    expect([alone.data?.gpuTelemetry ?? null, alone.errors]).toEqual([null, [away]]);
    const rest = await api.get(`/api/v1/gpus/${uuidOf(1)}/telemetry`);
    expect([rest.status, rest.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await api.get("/api/v1/gpus")).status).toBe(200);
    expect(said("unavailable")).toHaveLength(1);

    await refused[Symbol.asyncDispose]();
    expect((await api.graphql(`{ gpuTelemetry(uuid: "${uuidOf(1)}") { count } }`)).data.gpuTelemetry.count).toBe(10);
    expect(said("available")).toHaveLength(1);
    expect(await api.metrics.render()).toContain(
      'subgraph_request_duration_seconds_count{subgraph="telemetry",outcome="away"} 3',
    );
  });

  test("a query whose connection is cut is retried twice, unless its subgraph is known to be unavailable", async () => {
    for (const cuts of [1, 2]) {
      const before = api.links.inventory.hits;
      api.links.inventory.cutAfterRequest(cuts);
      expect((await api.graphql("{ gpus { total } }")).data).toEqual({ gpus: { total: 3 } });
      expect(api.links.inventory.hits - before).toBe(cuts);
    }
    expect(said("unavailable")).toEqual([]);
    for (const cuts of [3, 1]) {
      const before = api.links.inventory.hits;
      api.links.inventory.cutAfterRequest(cuts);
      const { data, errors } = await api.graphql("{ gpus { total } hosts { gpus } queues { ready } }");
      expect(data).toEqual({ gpus: null, hosts: null, queues: [{ ready: 0 }] });
      expect(errors?.[0]?.extensions?.code).toBe("UNAVAILABLE");
      expect(api.links.inventory.hits - before).toBe(cuts);
    }
    expect((await api.graphql("{ gpus { total } }")).data).toEqual({ gpus: { total: 3 } });
    expect([said("unavailable").length, said("available").length]).toEqual([1, 1]);
  });

  test("a mutation whose connection is cut is not retried", async () => {
    await using admin = await openRemoteApi({ config: { adminToken: "admin" } });
    await fillQueue(admin.queue, ["a", "b"], 1);
    admin.links.pipeline.cutAfterRequest(1);
    const cut = await ask(admin, "mutation { redriveDeadLetters }", { token: "admin" });
    expect(cut.errors?.[0]?.extensions?.code).toBe("UNAVAILABLE");
    await eventually(async () => (await admin.queue.stats()).counters.redriven === 1, {
      what: "the redrive that it carried",
    });
    expect(admin.links.pipeline.hits).toBe(1);
  });

  test("a query of a subgraph that hangs ends at its deadline", async () => {
    await using hurried = await openHurried();
    using _stalled = hurried.links.inventory.stall();
    const { errors } = await hurried.graphql("{ gpus { total } }");
    expect(errors?.[0]?.message).toContain("longer than 1s");
    expect(errors?.[0]?.extensions).toEqual({ code: "UNAVAILABLE" });
  });

  test("the deadline and a client that leaves stop the subgraph's store call", async () => {
    let asked = 0;
    let stopped = 0;
    await using hurried = await openHurried();
    api.store.before = hurried.store.before = (signal) =>
      new Promise((_, reject) => {
        asked++;
        signal?.addEventListener("abort", () => {
          stopped++;
          reject(new Error("stopped"));
        });
      });
    const late = await hurried.graphql("{ gpus { total } }");
    expect(late.errors?.[0]?.extensions?.code).toBe("UNAVAILABLE");
    await eventually(() => stopped === 1, { what: "the late call to stop" });
    for (const [nth, ask] of [
      (signal: AbortSignal) => api.graphql("{ gpus { total } }", {}, { signal }),
      (signal: AbortSignal) => api.get("/api/v1/gpus", { signal }),
    ].entries()) {
      const leave = new AbortController();
      const left = ask(leave.signal).catch(() => "left");
      await eventually(() => asked === nth + 2, { what: "the store to be asked" });
      leave.abort();
      expect((await left) as unknown).toBe("left");
      await eventually(() => stopped === nth + 2, { what: "the store call to stop" });
    }
    expect(lines.filter(({ method }) => method === "error")).toEqual([]);
  });

  test("an unknown error code of a subgraph is masked, and logged with its message", async () => {
    using stranger = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () =>
        Response.json({
          errors: [{ message: "Cannot query field x", extensions: { code: "GRAPHQL_VALIDATION_FAILED" } }],
        }),
    });
    await using other = await openRemoteApi({ log, urls: { inventory: `http://127.0.0.1:${stranger.port}/graphql` } });
    const { errors } = await other.graphql("{ gpus { total } }");
    expect(errors).toEqual([
      expect.objectContaining({ message: "Internal error", extensions: { code: "INTERNAL_SERVER_ERROR" } }),
    ]);
    expect(said("unknown error code from subgraph")[0]).toMatchObject({ message: "Cannot query field x" });
  });

  test("a refused INTERNAL_TOKEN and a proxy's page are UNAVAILABLE", async () => {
    using page = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("<html>", { status: 502 }) });
    using locked = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("no", { status: 401 }) });
    for (const server of [page, locked]) {
      await using other = await openRemoteApi({ log, urls: { inventory: `http://127.0.0.1:${server.port}/graphql` } });
      const { errors } = await other.graphql("{ gpus { total } }");
      expect(errors?.[0]?.extensions?.code).toBe("UNAVAILABLE");
    }
    expect(said("unavailable").map(({ reason }) => reason)).toEqual([
      "the answer must be GraphQL, got 502 Bad Gateway",
      "INTERNAL_TOKEN is refused: set the same one for all services",
    ]);
  });
});
