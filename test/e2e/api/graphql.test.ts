import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { getIntrospectionQuery } from "graphql";
import { AppError } from "../../../schema/model/errors.ts";
import { METRICS, type MetricInfo } from "../../../schema/model/metric.ts";
import type { Logger } from "../../../services/platform/process/logger.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import { openApi } from "../../support/api/api.ts";
import { UTIL, uuidOf } from "../../support/api/fleet.ts";
import { eventually } from "../../support/time/eventually.ts";

const logged: unknown[] = [];
const log: Logger = {
  ...silentLogger,
  error: (message, fields) => logged.push({ message, ...fields }),
  child: () => log,
};
let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  api = await openApi({ gpus: 247, ticks: 3, log, config: { queryTimeoutMs: 400 } });
});
afterAll(() => api[Symbol.asyncDispose]());
afterEach(() => {
  api.store.before = async () => {};
  logged.length = 0;
});

describe("the graph", () => {
  test("joins inventory and telemetry with one store call for the newest readings of all GPUs", async () => {
    Object.assign(api.store.calls, { gpus: 0, gpusByUuid: 0, latest: 0, readings: 0 });
    const { data, errors } = await api.graphql(
      `{ gpus { total gpus { uuid hostname latest(metrics: ["${UTIL}"]) { metricName value timestamp } } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.gpus.total).toBe(247);
    expect(data.gpus.gpus).toHaveLength(247);
    expect(data.gpus.gpus[1]).toEqual({
      uuid: uuidOf(1),
      hostname: "host-000",
      latest: [{ metricName: UTIL, value: 3, timestamp: "2025-07-20T10:00:02Z" }],
    });
    expect(api.store.calls).toMatchObject({ gpus: 1, latest: 1, gpusByUuid: 0, readings: 0 });
  });

  test("finds several GPUs by uuid in one store call", async () => {
    Object.assign(api.store.calls, { gpusByUuid: 0 });
    const { data } = await api.graphql(
      `{ a: gpu(uuid: "${uuidOf(1)}") { uuid } b: gpu(uuid: "${uuidOf(2)}") { uuid } c: gpu(uuid: "${uuidOf(999)}") { uuid } }`,
    );
    expect(data).toEqual({ a: { uuid: uuidOf(1) }, b: { uuid: uuidOf(2) }, c: null });
    expect(api.store.calls.gpusByUuid).toBe(1);
    const listed = await api.graphql(
      `{ gpusByUuid(uuids: ["${uuidOf(2)}", "${uuidOf(999)}", "${uuidOf(1)}"]) { uuid latest(metrics: ["${UTIL}"]) { value } } }`,
    );
    expect(listed.data.gpusByUuid).toEqual([
      { uuid: uuidOf(2), latest: [{ value: 4 }] },
      null,
      { uuid: uuidOf(1), latest: [{ value: 3 }] },
    ]);
    expect(api.store.calls.gpusByUuid).toBe(2);
    const many = await api.graphql("query($uuids: [ID!]!) { gpusByUuid(uuids: $uuids) { uuid } }", {
      uuids: Array.from({ length: 10_001 }, () => "x"),
    });
    expect(many.errors?.[0]?.message).toContain("uuids must be a list of at most 10,000 uuids, got 10001");
  });

  test("returns a page of telemetry for each GPU", async () => {
    const { data } = await api.graphql(
      "{ gpus(limit: 2) { next gpus { telemetry(limit: 1) { gpuUuid count next telemetry { value } } } } }",
    );
    expect(data.gpus.next).toBeString();
    expect(data.gpus.gpus[1].telemetry).toMatchObject({ gpuUuid: uuidOf(1), count: 1, telemetry: [{ value: 32.5 }] });
    expect(data.gpus.gpus[1].telemetry.next).toBeString();
  });

  test("returns hosts, attributions and the metric catalogue", async () => {
    const { data } = await api.graphql(`{
      hosts { hostname gpus lastSeen }
      gpu(uuid: "${uuidOf(2)}") { attributions { pod namespace from to } }
      metrics { name unit kind description aliases }
    }`);
    expect(data.hosts[0]).toEqual({ hostname: "host-000", gpus: 16, lastSeen: "2025-07-20T10:00:02Z" });
    expect(data.gpu.attributions).toEqual([
      { pod: "train-2", namespace: "research", from: "2025-07-20T10:00:00Z", to: "2025-07-20T10:00:02Z" },
    ]);
    expect(data.metrics).toHaveLength(Object.keys(METRICS).length);
    const { field: _internal, ...utilisation } = METRICS[UTIL] as MetricInfo;
    expect(data.metrics).toContainEqual({ name: UTIL, ...utilisation });
  });

  test("returns null for the telemetry of an unknown GPU, and an empty page for a known one", async () => {
    const { data } = await api.graphql(
      `{ none: gpuTelemetry(uuid: "${uuidOf(999)}") { count }
         empty: gpuTelemetry(uuid: "${uuidOf(1)}", endTime: "2001-01-01T00:00:00Z") { count next } }`,
    );
    expect(data).toEqual({ none: null, empty: { count: 0, next: null } });
  });
});

describe("bad queries", () => {
  const T = `gpuTelemetry(uuid: "${uuidOf(1)}"`;
  const cases: [what: string, query: string, ...message: string[]][] = [
    ["a malformed uuid", '{ gpu(uuid: "GPU-1") { uuid } }', '"GPU-1"', "GPU-xxxxxxxx"],
    ["a malformed uuid asked for telemetry", '{ gpuTelemetry(uuid: "x") { count } }', '"x"'],
    ["a time that is none", `{ ${T}, startTime: "yesterday") { count } }`, "startTime", "yesterday", "RFC 3339"],
    ["a time that is a truth value", `{ ${T}, startTime: true) { count } }`, "got true", "RFC 3339"],
    [
      "a window that runs backwards",
      `{ ${T}, startTime: "2026-01-01T00:00:00Z", endTime: "2025-01-01T00:00:00Z") { count } }`,
      "startTime",
      "2026-01-01",
      "endTime",
    ],
    ["limit 0", `{ ${T}, limit: 0) { count } }`, "limit must be a whole number from 1 to 10,000, got 0"],
    ["limit -1", "{ gpus(limit: -1) { total } }", "limit must be a whole number from 1 to 10,000, got -1"],
    ["limit 10,001", `{ ${T}, limit: 10001) { count } }`, "limit must be a whole number from 1 to 10,000, got 10001"],
    ["a cursor that is none", '{ gpus(after: "?") { total } }', "after", "previous page"],
    ["a bad limit deep in a list", "{ gpus { gpus { telemetry(limit: 0) { count } } } }", "1 to 10,000, got 0"],
    ["a malformed uuid of a subscription", 'subscription { readings(filter: { gpus: ["x"] }) { missed } }', '"x"'],
    [
      "a duration too short",
      'subscription { readings(minInterval: "99ms") { missed } }',
      "minInterval",
      "99ms",
      "100ms",
    ],
  ];
  for (const [what, query, ...message] of cases) {
    test(`${what} is BAD_USER_INPUT with a reason`, async () => {
      const response = await api.get("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
        body: JSON.stringify({ query }),
      });
      const text = await response.text();
      expect(text).toContain("BAD_USER_INPUT");
      for (const part of message) expect(text).toContain(JSON.stringify(part).slice(1, -1));
    });
  }

  test("an error of a join has its path in the answer", async () => {
    const { errors } = await api.graphql("{ gpus(limit: 2) { gpus { telemetry(limit: 0) { count } } } }");
    expect(errors?.map(({ path }) => path)).toEqual([
      ["gpus", "gpus", 0, "telemetry"],
      ["gpus", "gpus", 1, "telemetry"],
    ]);
  });

  test("a variable of the wrong kind is BAD_USER_INPUT", async () => {
    const { errors } = await api.graphql("query($n: Int) { gpus(limit: $n) { total } }", { n: "abc" });
    expect(errors?.[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT" } });
    expect(errors?.[0]?.message).toContain("abc");
  });

  test("an unknown field is refused before execution", async () => {
    const { errors } = await api.graphql("{ gpus { total nope } }");
    expect(errors?.[0]).toMatchObject({ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } });
  });

  test("a 1 MB query is 413, with and without a length", async () => {
    const query = `{ gpus { total } } #${"x".repeat(1_000_000)}`;
    const body = JSON.stringify({ query });
    const stream = new Blob([body]).stream();
    for (const sent of [body, stream]) {
      const response = await api.get("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: sent,
      });
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "TOO_LARGE" } }] });
    }
    expect((await api.graphql("{ gpus { total } }")).data.gpus.total).toBe(247);
  });

  const repeated = (count: number, part: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => part(n)).join(" ");
  const shapes: [what: string, query: string, message: string][] = [
    ["a deep query", `{ gpus { ${"... on GpuPage { ".repeat(12)} total ${"} ".repeat(12)} } }`, "depth"],
    ["a query of many aliases", `{ ${repeated(31, (n) => `a${n}: hosts { gpus }`)} }`, "Aliases"],
    ["an endless query", `{ hosts { ${"gpus ".repeat(1100)} } }`, "Token"],
    ["a query of many directives", `{ hosts ${"@include(if: true) ".repeat(60)} { gpus } }`, "Directives"],
    [
      "introspection that goes in circles",
      `{ __schema { types { ${"fields { type { ".repeat(8)} name ${"} }".repeat(8)} } } }`,
      "introspection depth",
    ],
    [
      "introspection mixed with data",
      "{ __schema { queryType { name } } hosts { gpus } }",
      "in an operation without other fields",
    ],
  ];
  for (const [what, query, message] of shapes) {
    test(`${what} is refused`, async () => {
      const { data, errors } = await api.graphql(query);
      expect(data ?? null).toBeNull();
      expect(errors?.map((error) => error.message).join()).toContain(message);
      expect(errors?.[0]?.extensions?.code).toMatch(/BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED|GRAPHQL_PARSE_FAILED/);
    });
  }

  test("introspection of common tools is answered", async () => {
    const { data, errors } = await api.graphql(getIntrospectionQuery());
    expect(errors).toBeUndefined();
    expect(data.__schema.queryType.name).toBe("Query");
  });
});

describe("failures behind the graph", () => {
  test("an unexpected failure is masked, logged, and 500 in REST", async () => {
    api.store.before = async () => {
      throw new Error("password=hunter2");
    };
    const { errors } = await api.graphql("{ gpus { total } }");
    expect(errors).toEqual([
      expect.objectContaining({ message: "Internal error", extensions: { code: "INTERNAL_SERVER_ERROR" } }),
    ]);
    expect(JSON.stringify(logged)).toContain("query failed");
    const rest = await api.get("/api/v1/gpus");
    expect(rest.status).toBe(500);
    expect(await rest.text()).not.toContain("hunter2");
  });

  test("an unavailable store is UNAVAILABLE, and 503 with Retry-After in REST", async () => {
    api.store.before = async () => {
      throw new AppError("mongodb://db-0:27017 is away", { code: "unavailable", retryAfterMs: 2500 });
    };
    const { errors } = await api.graphql("{ gpus { total } }");
    expect(errors?.[0]).toMatchObject({
      message: "A dependency is unavailable: try again in a moment",
      extensions: { code: "UNAVAILABLE", retryAfterMs: 2500 },
    });
    const rest = await api.get("/api/v1/gpus");
    expect(rest.status).toBe(503);
    expect(rest.headers.get("retry-after")).toBe("3");
  });

  test("a query beyond QUERY_TIMEOUT is UNAVAILABLE, and its store call is stopped", async () => {
    let stopped = 0;
    api.store.before = (signal) =>
      new Promise((_, reject) =>
        signal?.addEventListener("abort", () => {
          stopped++;
          reject(new Error("stopped"));
        }),
      );
    const { errors } = await api.graphql("{ gpus { total } }");
    expect(errors?.[0]).toMatchObject({ extensions: { code: "UNAVAILABLE" } });
    expect(errors?.[0]?.message).toContain("400ms");
    expect((await api.get("/api/v1/gpus")).status).toBe(503);
    await eventually(() => stopped === 2, { what: "both store calls to be stopped" });
  });
});
