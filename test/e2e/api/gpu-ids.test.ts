import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { openApi } from "../../support/api/api.ts";
import { UTIL, uuidOf } from "../../support/api/fleet.ts";

let api: Awaited<ReturnType<typeof openApi>>;

const IDS = ["HOST-rack7-n3-2", "HOST-eu-2:rack7-n3-2", "HOST-n.example.org-11", `MIG-${uuidOf(0)}/7/0`] as GpuUuid[];

const gpuOf = (uuid: GpuUuid, host: string): Gpu => ({ ...(api.store.known[0] as Gpu), uuid, host });

beforeAll(async () => {
  api = await openApi({ gpus: 1, ticks: 1 });
  for (const uuid of IDS) {
    api.store.known.push(gpuOf(uuid, "rack7-n3"));
    api.store.stored.push({ gpu: uuid, series: UTIL as Series, at: Date.UTC(2025, 6, 20), value: 7 });
  }
  api.store.known.push(gpuOf(uuidOf(77) as GpuUuid, ""));
});
afterAll(() => api[Symbol.asyncDispose]());

describe.each(IDS)("the id %s", (id) => {
  test.each([id, encodeURIComponent(id)])("finds the GPU and its readings over REST as %s", async (segment) => {
    expect(await (await api.get(`/api/v1/gpus/${segment}`)).json()).toMatchObject({ uuid: id });
    const { telemetry } = await (await api.get(`/api/v1/gpus/${segment}/telemetry`)).json();
    expect(telemetry).toMatchObject([{ value: 7 }]);
  });

  test("finds the GPU over GraphQL", async () => {
    const { data } = await api.graphql(
      `query($id: ID!) { gpu(uuid: $id) { uuid latest(metrics: ["${UTIL}"]) { value } } gpusByUuid(uuids: [$id]) { uuid } }`,
      { id },
    );
    expect(data).toEqual({ gpu: { uuid: id, latest: [{ value: 7 }] }, gpusByUuid: [{ uuid: id }] });
  });
});

test("pages of GPUs continue after an id of each form", async () => {
  const seen: string[] = [];
  for (let next = ""; ; ) {
    const page = await (await api.get(`/api/v1/gpus?limit=1${next && `&after=${encodeURIComponent(next)}`}`)).json();
    seen.push(...page.gpus.map(({ uuid }: { uuid: string }) => uuid));
    if (page.next === null) break;
    next = page.next;
  }
  expect(seen.sort()).toEqual([...IDS, uuidOf(0), uuidOf(77)].sort());
});

test.each([
  ["without its prefix", (uuid: string) => uuid.slice(4)],
  ["in capitals", (uuid: string) => uuid.toUpperCase()],
  ["with a prefix in small letters", (uuid: string) => uuid.toLowerCase()],
])("a uuid %s is accepted, as in rows", async (_, written) => {
  const uuid = written(uuidOf(0));
  expect(await (await api.get(`/api/v1/gpus/${uuid}`)).json()).toMatchObject({ uuid: uuidOf(0) });
});

test.each(["HOST-", "HOST-n", "HOST-n-", "HOST-n-x", "HOST-n-12345", "HOST-a b-1", "HOST-a/b-1", "host-n-1"])(
  "the id %p is refused",
  async (id) => {
    const response = await api.get(`/api/v1/gpus/${encodeURIComponent(id)}`);
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain("uuid must be");
  },
);

test("hosts leave out GPUs whose host is unknown", async () => {
  const { data } = await api.graphql("{ hosts { hostname gpus } }");
  expect(data.hosts.map(({ hostname }: { hostname: string }) => hostname)).not.toContain("");
  expect(data.hosts).toHaveLength(2);
});
