import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { AppError } from "../../../schema/model/errors.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { UTIL, uuidOf } from "../../support/api/fleet.ts";

describe("remote subgraphs answer as those in the same process", () => {
  let near: Awaited<ReturnType<typeof openApi>>;
  let far: Awaited<ReturnType<typeof openRemoteApi>>;
  beforeAll(async () => {
    const config = { queryTimeoutMs: 2000 };
    near = await openApi({ gpus: 40, ticks: 3, config });
    far = await openRemoteApi({ gpus: 40, ticks: 3, config, token: "s3cret" });
  });
  afterEach(() => {
    for (const { store } of [near, far]) store.before = async () => {};
  });
  afterAll(async () => {
    await near[Symbol.asyncDispose]();
    await far[Symbol.asyncDispose]();
  });

  const queries: [what: string, query: string, variables?: Record<string, unknown>][] = [
    ["a page of GPUs", "{ gpus(limit: 7) { total next gpus { uuid hostname gpuIndex pod firstSeen } } }"],
    ["a join of all GPUs", `{ gpus { gpus { uuid latest(metrics: ["${UTIL}"]) { metricName value timestamp } } } }`],
    [
      "a join from telemetry's side",
      `{ gpuTelemetry(uuid: "${uuidOf(3)}", limit: 2) { count next telemetry { value } } }`,
    ],
    ["several GPUs by uuid", `{ a: gpu(uuid: "${uuidOf(1)}") { uuid } b: gpu(uuid: "${uuidOf(99)}") { uuid } }`],
    ["hosts, attributions and the catalogue", "{ hosts { hostname gpus } metrics { name aliases } }"],
    ["variables", "query($n: Int) { gpus(limit: $n) { gpus { uuid } } }", { n: 2 }],
    ["fragments and meta fields", "{ __typename ...F } fragment F on Query { hosts { __typename hostname } }"],
    ["a malformed uuid", '{ gpu(uuid: "GPU-1") { uuid } }'],
    ["a bad limit deep in a list", "{ gpus { gpus { telemetry(limit: 0) { count } } } }"],
    ["an invalid cursor", '{ gpus(after: "?") { total } }'],
    ["an unknown field", "{ gpus { nope } }"],
    ["introspection", "{ __schema { queryType { name } } }"],
  ];
  for (const [what, query, variables] of queries) {
    test(what, async () => {
      expect(await far.graphql(query, variables)).toEqual(await near.graphql(query, variables));
    });
  }

  for (const path of [
    "/api/v1/gpus",
    "/api/v1/gpus?hostname=host-001&limit=3",
    `/api/v1/gpus/${uuidOf(5)}`,
    `/api/v1/gpus/${uuidOf(99)}`,
    "/api/v1/gpus/GPU-1",
    `/api/v1/gpus/${uuidOf(5)}/telemetry?limit=3`,
    `/api/v1/gpus/${uuidOf(5)}/telemetry?start_time=yesterday`,
    `/api/v1/gpus/${uuidOf(99)}/telemetry`,
    "/api/v1/gpus?limit=0",
  ]) {
    test(`GET ${path}`, async () => {
      const [there, here] = await Promise.all([far.get(path), near.get(path)]);
      expect([there.status, await there.text()]).toEqual([here.status, await here.text()]);
    });
  }

  const troubles: [what: string, error: Error][] = [
    ["an unavailable store", new AppError("The store is away", { code: "unavailable", retryAfterMs: 2500 })],
    ["a query that is too large", new AppError("Ask for less", { code: "too_large" })],
    ["an unexpected failure", new Error("password=hunter2")],
  ];
  for (const [what, error] of troubles) {
    test(what, async () => {
      for (const { store } of [near, far]) {
        store.before = async () => {
          throw error;
        };
      }
      const query = `{ gpuTelemetry(uuid: "${uuidOf(3)}") { count } }`;
      const answer = await far.graphql(query);
      expect(answer).toEqual(await near.graphql(query));
      expect(JSON.stringify(answer)).not.toContain("hunter2");
      // A new query each time, as lists may be answered from a recent answer.
      const list = `/api/v1/gpus?model=${encodeURIComponent(what)}`;
      const [there, here] = await Promise.all([far.get(list), near.get(list)]);
      expect([there.status, there.headers.get("retry-after"), await there.text()]).toEqual([
        here.status,
        here.headers.get("retry-after"),
        await here.text(),
      ]);
    });
  }

  test("a join of all GPUs takes one store call each", async () => {
    Object.assign(far.store.calls, { gpus: 0, latest: 0, gpusByUuid: 0 });
    await far.graphql(`{ gpus { gpus { uuid latest(metrics: ["${UTIL}"]) { value } } } }`);
    expect(far.store.calls).toMatchObject({ gpus: 1, latest: 1, gpusByUuid: 0 });
  });
});
