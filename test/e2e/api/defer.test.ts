import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { UTIL, uuidOf } from "../../support/api/fleet.ts";
import type { GraphqlAnswer } from "../../support/api/graphql-answer.ts";
import { mergeParts, openParts } from "../../support/api/parts.ts";
import { askOverSocket } from "../../support/api/pipeline-api.ts";
import { openEvents } from "../../support/api/sse.ts";
import { eventually } from "../../support/time/eventually.ts";

const LATEST = `latest(metrics: ["${UTIL}"]) { metricName value timestamp }`;
const DEFERRED = `{ gpus(limit: 2) { total gpus { uuid ... @defer(label: "newest") { ${LATEST} } } } }`;
const WHOLE = DEFERRED.replace('@defer(label: "newest")', "");

for (const [wiring, open] of [
  ["in the same process", openApi],
  ["over the wire", openRemoteApi],
] as const) {
  describe(`@defer with subgraphs ${wiring}`, () => {
    let api: Awaited<ReturnType<typeof openApi>>;
    /** Releases the store call for the newest readings. */
    let release = () => {};
    let aborted = 0;
    beforeAll(async () => {
      // Longer than any test waits.
      api = await open({ gpus: 3, ticks: 2, config: { queryTimeoutMs: 600_000 } });
    });
    afterEach(() => {
      api.store.beforeLatest = async () => {};
    });
    afterAll(() => api[Symbol.asyncDispose]());

    const holdLatest = ({ store } = api) => {
      aborted = 0;
      const { promise: held, resolve } = Promise.withResolvers<void>();
      release = resolve;
      store.beforeLatest = (signal) =>
        new Promise((go, reject) => {
          held.then(go);
          signal?.addEventListener("abort", () => {
            aborted++;
            reject(new Error("stopped"));
          });
        });
    };

    test("sends a slow fragment in a later part", async () => {
      holdLatest();
      await using parts = await openParts(api.url, { query: DEFERRED });
      expect(parts.response.headers.get("content-type")).toStartWith("multipart/mixed");
      expect(await parts.next()).toEqual({
        data: { gpus: { total: 3, gpus: [{ uuid: uuidOf(0) }, { uuid: uuidOf(1) }] } },
        hasNext: true,
      });
      release();
      const newest = (value: number) => ({
        data: { latest: [{ metricName: UTIL, value, timestamp: "2025-07-20T10:00:01Z" }] },
        label: "newest",
      });
      expect(await parts.rest()).toEqual([
        {
          incremental: [
            { ...newest(1), path: ["gpus", "gpus", 0] },
            { ...newest(2), path: ["gpus", "gpus", 1] },
          ],
          hasNext: false,
        },
      ]);
    });

    test("yields parts that merge to the undeferred answer", async () => {
      const cases = [
        DEFERRED,
        "{ gpus(limit: 2) { total ... @defer { next gpus { pod } } } }",
        `{ gpus { gpus { hostname ...F @defer } } } fragment F on Gpu { pod telemetry(limit: 1) { count ... @defer { next } } }`,
        `{ hosts { hostname } ... @defer { gpus(limit: 1) { next gpus { uuid ... @defer { ${LATEST} attributions { pod } } } } } }`,
        `{ a: gpu(uuid: "${uuidOf(1)}") { uuid ... @defer { pod z: latest { value } } ... @defer { uuid ${LATEST} } } none: gpu(uuid: "${uuidOf(9)}") { ... @defer { pod } } }`,
        `{ hosts { hostname } ... @defer { queues { name ready } metrics { name } } }`,
        `{ __typename ... @defer { deadLetters { total } } gpuTelemetry(uuid: "${uuidOf(1)}") { ... @defer { count } } }`,
      ];
      for (const query of cases) {
        const whole = await api.graphql(query.replace(/@defer(\(label: "\w+"\))?/g, ""));
        expect([query, whole.errors]).toEqual([query, undefined]);
        await using parts = await openParts(api.url, { query });
        expect([query, mergeParts(await parts.rest())]).toEqual([query, { data: whole.data }]);
      }
    });

    test("obeys `if`, also where a variable has a default", async () => {
      const query = `query($wanted: Boolean = false) { gpus(limit: 1) { gpus { uuid ... @defer(if: $wanted) { pod ${LATEST} } } } }`;
      for (const [variables, parts] of [
        [{}, 1],
        [{ wanted: false }, 1],
        [{ wanted: true }, 2],
      ] as const) {
        await using answer = await openParts(api.url, { query, variables });
        expect(await answer.rest()).toHaveLength(parts);
      }
    });

    test("answers in one piece without Accept: multipart/mixed", async () => {
      const whole = await (await api.get(`/graphql?query=${encodeURIComponent(WHOLE)}`)).json();
      for (const accept of ["application/json", "application/graphql-response+json", "*/*"]) {
        const response = await api.get(`/graphql?query=${encodeURIComponent(DEFERRED)}`, { headers: { accept } });
        expect([accept, response.status, await response.json()]).toEqual([accept, 200, whole]);
      }
    });

    test("reports an error of a part at its path, and masks internal ones", async () => {
      const errorsOf = async (failure: Error) => {
        api.store.beforeLatest = async () => {
          throw failure;
        };
        await using parts = await openParts(api.url, { query: DEFERRED });
        const { data, errors = [] } = mergeParts(await parts.rest());
        expect(data.gpus.gpus.map(({ latest }: { latest: unknown }) => latest)).toEqual([null, null]);
        return errors.map(({ message, path, extensions }) => [message, path, extensions?.code]);
      };
      expect(await errorsOf(new AppError("The store is away", { code: "unavailable" }))).toEqual([
        ["A dependency is unavailable: try again in a moment", ["gpus", "gpus", 0, "latest"], "UNAVAILABLE"],
        ["A dependency is unavailable: try again in a moment", ["gpus", "gpus", 1, "latest"], "UNAVAILABLE"],
      ]);
      const masked = await errorsOf(new Error("password=hunter2"));
      expect(masked.map(([message, , code]) => [message, code])).toEqual([
        ["Internal error", "INTERNAL_SERVER_ERROR"],
        ["Internal error", "INTERNAL_SERVER_ERROR"],
      ]);
    });

    test("ends with an error at the deadline, and stops the work", async () => {
      await using hurried = await open({ gpus: 3, ticks: 2, config: { queryTimeoutMs: 1000 } });
      holdLatest(hurried);
      await using parts = await openParts(hurried.url, { query: DEFERRED });
      expect((await parts.next())?.hasNext).toBe(true);
      const [last, ...more] = await parts.rest();
      expect(more).toEqual([]);
      expect(last?.hasNext).toBe(false);
      const errors = last?.incremental?.flatMap(({ errors = [] }) => errors);
      expect(errors?.[0]).toMatchObject({ extensions: { code: "UNAVAILABLE" } });
      await eventually(() => aborted > 0, { what: "the store call to stop" });
    });

    test("stops the work when the reader leaves", async () => {
      holdLatest();
      const asked = api.store.calls.latest;
      const parts = await openParts(api.url, { query: DEFERRED });
      await parts.next();
      await eventually(() => api.store.calls.latest > asked, { what: "the store to be asked" });
      expect(aborted).toBe(0);
      await parts[Symbol.asyncDispose]();
      await eventually(() => aborted > 0, { what: "the store call to stop" });
    });
  });
}

describe("a query with @defer", () => {
  let api: Awaited<ReturnType<typeof openRemoteApi>>;
  beforeAll(async () => {
    api = await openRemoteApi({ config: { apiToken: "reader", adminToken: "admin" } });
  });
  afterAll(() => api[Symbol.asyncDispose]());
  const TOKEN = { authorization: "Bearer reader" };

  /** The first part, which may be the only one. */
  async function first(query: string, headers: Record<string, string> = TOKEN) {
    await using parts = await openParts(api.url, { query }, headers);
    return (await parts.next()) ?? ({} as GraphqlAnswer);
  }

  test("obeys tokens, limits and the guard of mutations", async () => {
    expect((await openParts(api.url, { query: DEFERRED })).response.status).toBe(401);
    const deep = `{ gpus { ${"... on GpuPage @defer { ".repeat(12)} total ${"} ".repeat(12)} } }`;
    expect((await first(deep)).errors?.[0]?.message).toContain("depth");
    const mutation = "mutation { purgeDeadLetters }";
    expect((await first(mutation)).errors?.[0]?.extensions?.code).toBe("FORBIDDEN");
    expect((await first(mutation, { authorization: "Bearer admin" })).data).toEqual({ purgeDeadLetters: 0 });
  });

  test("fails at once in the part of an unavailable subgraph, and in no other", async () => {
    const refused = await api.links.telemetry.refuse();
    api.links.telemetry.cutAll();
    await using parts = await openParts(api.url, { query: DEFERRED }, TOKEN);
    const all = await parts.rest();
    expect(all).toHaveLength(2);
    expect(all[0]?.errors).toBeUndefined();
    const merged = mergeParts(all);
    expect(merged.data.gpus).toEqual({
      total: 3,
      gpus: [
        { uuid: uuidOf(0), latest: null },
        { uuid: uuidOf(1), latest: null },
      ],
    });
    expect(merged.errors).toEqual([
      expect.objectContaining({
        message: "Subgraph telemetry is unavailable: try again in a moment",
        extensions: { code: "UNAVAILABLE", retryAfterMs: 1000 },
      }),
    ]);
    await refused[Symbol.asyncDispose]();
  });

  const refusals: [what: string, query: string, message: string][] = [
    ["@stream", "{ gpus { gpus @stream(initialCount: 1) { uuid latest { value } } } }", "@stream is not supported"],
    ["@stream of a list of one subgraph", "{ hosts @stream { hostname } }", "@stream is not supported"],
    [
      "one label twice",
      '{ ... @defer(label: "a") { hosts { gpus } } ... @defer(label: "a") { queues { name } } }',
      "label",
    ],
    ["a label that is a variable", "query($l: String) { ... @defer(label: $l) { hosts { gpus } } }", "label"],
    ["@defer of a mutation", "mutation { ... @defer { purgeDeadLetters } }", "Mutation"],
    ["@defer of a subscription", "subscription { ... @defer { readings { missed } } }", "Subscription"],
  ];
  for (const [what, query, message] of refusals) {
    test(`with ${what} is BAD_USER_INPUT with a reason`, async () => {
      const { data, errors } = await first(query);
      expect(data ?? null).toBeNull();
      expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(["BAD_USER_INPUT"]);
      expect(errors?.[0]?.message).toContain(message);
    });
  }

  test("finds @defer and no @stream by introspection", async () => {
    const { data } = await api.graphql("{ __schema { directives { name } } }", {}, { headers: TOKEN });
    const names = data.__schema.directives.map(({ name }: { name: string }) => name);
    expect(names).toContain("defer");
    expect(names).not.toContain("stream");
  });

  test("is answered in one piece over WebSocket and SSE", async () => {
    const { data } = await api.graphql(WHOLE, {}, { headers: TOKEN });
    expect(await askOverSocket(api, DEFERRED, "Bearer reader")).toEqual({ data });
    await using events = await openEvents(api.url, DEFERRED, { headers: TOKEN });
    expect(await events.next()).toEqual({ data });
  });
});
