import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { TEMP, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { mergeParts, openParts } from "../../support/api/parts.ts";

const GPUS = 300;

for (const [wiring, open] of [
  ["in the same process", openApi],
  ["over the wire", openRemoteApi],
] as const) {
  describe(`store calls of subgraphs ${wiring}`, () => {
    let api: Awaited<ReturnType<typeof openApi>>;
    beforeAll(async () => {
      api = await open({ gpus: GPUS, ticks: 3 });
    });
    beforeEach(() => {
      for (const name of Object.keys(api.store.calls)) api.store.calls[name as "gpus"] = 0;
    });
    afterAll(() => api[Symbol.asyncDispose]());

    test("are one for each field, however many GPUs", async () => {
      const { data, errors } = await api.graphql(`{ gpus { gpus { uuid
        latest { value } telemetry(limit: 2) { count telemetry { value } } attributions { pod } } } }`);
      expect(errors).toBeUndefined();
      expect(data.gpus.gpus).toHaveLength(GPUS);
      expect(data.gpus.gpus[2]).toEqual({
        uuid: uuidOf(2),
        latest: [{ value: 32.5 }, { value: 4 }],
        telemetry: { count: 2, telemetry: [{ value: 32.5 }, { value: 4 }] },
        attributions: [{ pod: "train-2" }],
      });
      expect(api.store.calls).toEqual({
        gpus: 1,
        latest: 1,
        pages: 1,
        holds: 1,
        gpusByUuid: 0,
        readings: 0,
        hosts: 0,
        workloads: 0,
        placements: 0,
        names: 0,
      });
    });

    test("are one for each field and its arguments", async () => {
      const { errors } = await api.graphql(`{ gpus { gpus {
        latest(metrics: ["${UTIL}"]) { value } again: latest(metrics: ["${UTIL}"]) { value } other: latest(metrics: ["${TEMP}"]) { value }
        telemetry(limit: 1) { count } same: telemetry(limit: 1) { next } two: telemetry(limit: 2) { count }
        attributions { pod } later: attributions(startTime: "2026-01-01T00:00:00Z") { pod } } } }`);
      expect(errors).toBeUndefined();
      expect(api.store.calls).toMatchObject({ gpus: 1, latest: 2, pages: 2, holds: 2 });
    });

    test("are one to find many GPUs by key, and one for each of their fields, deferred or not", async () => {
      const uuids = Array.from({ length: GPUS }, (_, number) => uuidOf(number));
      const query = `query($uuids: [ID!]!) { gpusByUuid(uuids: $uuids) { uuid ... @defer { pod ... on Gpu { latest { value } telemetry(limit: 1) { count } } } } }`;
      await using parts = await openParts(api.url, { query, variables: { uuids } });
      const { data, errors } = mergeParts(await parts.rest());
      expect(errors).toBeUndefined();
      expect(data.gpusByUuid).toHaveLength(GPUS);
      expect(data.gpusByUuid[299].telemetry).toEqual({ count: 1 });
      expect(api.store.calls).toMatchObject({ latest: 1, pages: 1, holds: 0 });
      // The deferred part of a remote subgraph is a request of its own.
      expect(api.store.calls.gpusByUuid).toBe(wiring === "over the wire" ? 2 : 1);
    });
  });
}

test("a query over its budget fails where the budget ends, and reads no further", async () => {
  await using api = await openApi({ gpus: 30, ticks: 5000 });
  const { data, errors } = await api.graphql("{ gpus { gpus { uuid telemetry(limit: 10000) { count } } } }");
  const read = data.gpus.gpus.filter(({ telemetry }: { telemetry: unknown }) => telemetry !== null);
  expect(read).toHaveLength(25);
  expect(errors).toHaveLength(5);
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining("at most 250,000 readings"),
    path: ["gpus", "gpus", 25, "telemetry"],
    extensions: { code: "TOO_LARGE" },
  });
  const again = await api.graphql(
    `{ gpus { gpus { telemetry(limit: 9000) { count } } } more: gpuTelemetry(uuid: "${uuidOf(1)}", limit: 10000) { count } }`,
  );
  expect(again.errors?.length).toBeGreaterThan(2);
});
