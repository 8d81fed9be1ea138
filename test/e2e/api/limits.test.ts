import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { getIntrospectionQuery } from "graphql";
import { MAX_ANSWER_BYTES } from "../../../services/api-gateway/subgraphs/answer-budget.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { START, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { TRANSPORTS } from "../../support/api/transports.ts";

let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi({ config: { adminToken: "s3cret" } });
});
afterAll(() => api[Symbol.asyncDispose]());

const repeated = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(" ");

describe("limits hold over every transport", () => {
  const cases: [what: string, query: string, refusal: RegExp, variables?: Record<string, unknown>][] = [
    ["depth", `{ gpus { ${"... on GpuPage { ".repeat(12)} total ${"} ".repeat(12)} } }`, /depth limit of 10/],
    ["aliases", `{ ${repeated(31, (n) => `a${n}: hosts { gpus }`)} }`, /Aliases limit of 30/],
    ["tokens", `{ hosts { ${"gpus ".repeat(1100)} } }`, /Token limit of 1000/],
    ["directives", `{ hosts ${"@include(if: true) ".repeat(60)} { gpus } }`, /Directives limit of 50/],
    ["rows", `{ ${repeated(11, (n) => `a${n}: gpus { total }`)} }`, /at most 100,000 rows, got 110,000.*TOO_LARGE/],
    [
      "rows by a variable, in a fragment",
      `query ($n: Int) { ...Many } fragment Many on Query { ${repeated(21, (n) => `a${n}: gpus(limit: $n) { total }`)} }`,
      /got 105,000/,
      { n: 5000 },
    ],
    ["rows of a list without limit", `{ ${repeated(11, (n) => `a${n}: hosts { gpus }`)} }`, /got 110,000.*TOO_LARGE/],
    [
      "rows by their keys",
      `query ($u: [ID!]!) { ${repeated(20, (n) => `u${n}: gpusByUuid(uuids: $u) { uuid }`)}
        ${repeated(9, (n) => `a${n}: gpus { total }`)} gpus(limit: 1) { total } }`,
      /got 100,001.*TOO_LARGE/,
      { u: Array.from({ length: 500 }, () => "x") },
    ],
    // If it were executed, it would write into every object of this process.
    [
      "a prototype's name",
      "{ __proto__: hosts { gpus } }",
      /The alias must not be a reserved name.*__proto__.*BAD_USER_INPUT/,
    ],
    ["one in a fragment", "{ ...F } fragment F on Query { constructor: hosts { gpus } }", /reserved name.*constructor/],
    ["one of a variable", "query ($toString: Int) { gpus(limit: $toString) { total } }", /The variable .*toString/],
    ["a mark of @defer", "{ gpus { gpus { __deferred_0: hostname } } }", /reserved name.*__deferred_0/],
    ["mutations", "mutation { purgeDeadLetters }", /FORBIDDEN|Can only perform a POST|mutation/i],
  ];
  for (const [name, ask] of Object.entries(TRANSPORTS)) {
    for (const [what, query, refusal, variables] of cases) {
      test(`${what}: ${name}`, async () => {
        const answer = await ask(api.url, query, variables);
        expect(answer).toMatch(refusal);
        expect(answer).not.toContain('"data":{');
      });
    }
    test(`a query within the limits is answered: ${name}`, async () => {
      const answer = await ask(api.url, `{ ${repeated(10, (n) => `a${n}: gpus { total }`)} }`);
      // Over HTTP, a query may be refused a multipart answer because of Accept alone.
      expect(answer).toMatch(name === "multipart answers" ? /"a9":\{"total":3\}|^$/ : /"a9":\{"total":3\}/);
    });
  }

  test("GET refuses a mutation, even with ADMIN_TOKEN", async () => {
    for (const accept of ["application/json", "text/event-stream"]) {
      const response = await api.get(`/graphql?query=${encodeURIComponent("mutation { purgeDeadLetters }")}`, {
        headers: { accept, authorization: "Bearer s3cret" },
      });
      expect([accept, response.status]).toEqual([accept, 405]);
    }
  });

  test("several operations in one request are refused", async () => {
    const body = JSON.stringify([{ query: "{ __typename }" }, { query: "{ __typename }" }]);
    const response = await api.get("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("Batching is not supported");
  });

  test("fragments that double at each level are refused in no time", async () => {
    const doubling = repeated(30, (n) => `fragment F${n} on Host { ...F${n + 1} ...F${n + 1} }`);
    const startedAt = performance.now();
    await api.graphql(`{ hosts { ...F0 } } ${doubling} fragment F30 on Host { gpus }`);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });
});

describe("rows below a list are bounded where they are read", () => {
  test("10,000 GPUs with 10,000 readings each stop at the budget of the request", async () => {
    await using large = await openApi({ gpus: 60, ticks: 2500 });
    const before = large.store.calls.readings;
    const { data, errors } = await large.graphql(
      "{ gpus(limit: 10000) { gpus { telemetry(limit: 10000) { count } } } }",
    );
    const pages = data.gpus.gpus.filter((gpu: { telemetry: unknown }) => gpu.telemetry !== null);
    expect(pages.reduce((sum: number, gpu: { telemetry: { count: number } }) => sum + gpu.telemetry.count, 0)).toBe(
      250_000,
    );
    expect(errors?.[0]).toMatchObject({ extensions: { code: "TOO_LARGE" } });
    expect(errors?.[0]?.message).toContain("250,000 readings");
    // Pages that are being read when the budget is spent are finished; no others are begun.
    expect(large.store.calls.readings - before).toBeLessThan(60);
  }, 60_000);

  test("answers of remote subgraphs are read up to a budget of bytes", async () => {
    await using remote = await openRemoteApi({ gpus: 1, ticks: 1 });
    const long = { gpu: uuidOf(0), series: `${UTIL}{L="${"x".repeat(4096)}"}` as typeof UTIL, at: START, value: 1 };
    const perPage = 2500;
    for (let n = 0; n < perPage; n++) remote.store.stored.push({ ...long, at: START + n });
    const pages = (count: number) =>
      remote.graphql(
        `{ ${repeated(count, (n) => `a${n}: gpuTelemetry(uuid: "${uuidOf(0)}", limit: ${perPage}) { telemetry { metricName } }`)} }`,
      );
    const fits = Math.floor(MAX_ANSWER_BYTES / (perPage * 4200));
    expect((await pages(fits - 1)).errors).toBeUndefined();
    const { errors } = await pages(fits + 2);
    expect(errors?.[0]).toMatchObject({ extensions: { code: "TOO_LARGE" } });
    expect((await remote.graphql("{ gpus { total } }")).data).toEqual({ gpus: { total: 1 } });
  }, 60_000);
});

describe("INTROSPECTION=false", () => {
  let closed: Awaited<ReturnType<typeof openApi>>;
  beforeAll(async () => {
    closed = await openApi({ config: { introspection: false } });
  });
  afterAll(() => closed[Symbol.asyncDispose]());

  for (const [name, ask] of Object.entries(TRANSPORTS)) {
    test(`hides the schema, and names in hints: ${name}`, async () => {
      for (const query of ["{ __schema { queryType { name } } }", '{ __type(name: "Gpu") { name } }']) {
        expect(await ask(closed.url, query)).toMatch(/Introspection is disabled.*FORBIDDEN/);
      }
      const misspelt: [query: string, variables?: Record<string, unknown>][] = [
        ["{ gpu_s { total } }"],
        ["{ gpus(limt: 1) { total } }"],
        ["{ gpus }"],
        ["{ gpus @inclde(if: true) { total } }"],
        ["{ gpus { ... on GpuPag { total } } }"],
        ['{ gpus(filter: { hostnam: "x" }) { total } }'],
        ["query ($f: GpuFilter) { gpus(filter: $f) { total } }", { f: { hostnam: "x" } }],
      ];
      for (const [query, variables] of misspelt) {
        const answer = await ask(closed.url, query, variables);
        expect(answer).toContain("message");
        expect(answer).not.toContain("Did you mean");
        expect(answer).not.toMatch(/\b(include|GpuPage \{|hostname)\b/);
      }
    });
  }

  test("answers queries as before", async () => {
    expect((await closed.graphql("{ __typename gpus { __typename total } }")).data).toEqual({
      __typename: "Query",
      gpus: { __typename: "GpuPage", total: 3 },
    });
    expect((await closed.graphql(getIntrospectionQuery())).errors?.[0]?.extensions?.code).toBe("FORBIDDEN");
    expect(JSON.stringify(await api.graphql("{ gpu_s { total } }"))).toContain("Did you mean");
  });
});

test("GRAPHIQL=false removes the page and the link to it", async () => {
  await using plain = await openApi({ config: { graphiql: false } });
  const browser = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
  expect((await plain.get("/graphql", browser)).status).toBe(404);
  const asked = await plain.get("/graphql?query={__typename}", browser);
  expect(await asked.json()).toEqual({ data: { __typename: "Query" } });
  const link = /<a[^>]+href="\/graphql"/;
  expect(await (await plain.get("/")).text()).not.toMatch(link);
  expect(await (await api.get("/")).text()).toMatch(link);
});
