/** Holders of shared GPUs and MIG instances, workloads and placements, over GraphQL and REST. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Gpu } from "../../../schema/model/gpu.ts";
import type { Holder } from "../../../schema/model/holder.ts";
import { openApi } from "../../support/api/api.ts";
import { type Contract, openContract } from "../../support/api/contract.ts";
import { uuidOf } from "../../support/api/fleet.ts";

const CHAT: Holder = { kind: "pod", namespace: "serving", pod: "chat-7c9", container: "main", podUid: "u-1" };
const EMBED: Holder = { kind: "pod", namespace: "search", pod: "embed-5d2", container: "main", podUid: null };
const JOB: Holder = { kind: "job", job: "1200" };

let api: Awaited<ReturnType<typeof openApi>>;
let contract: Contract;
beforeAll(async () => {
  api = await openApi({ gpus: 2, ticks: 3 });
  contract = await openContract(api.url);
  const [shared, split] = api.store.known as [Gpu, Gpu];
  api.store.known.splice(
    0,
    2,
    { ...shared, holders: [EMBED, CHAT, JOB] },
    {
      ...split,
      holders: [CHAT],
      instances: [
        { id: "7", profile: "1g.10gb", holders: [CHAT] },
        { id: "8", profile: null, holders: [] },
      ],
    },
  );
});
afterAll(() => api[Symbol.asyncDispose]());

const rest = async (path: string) => {
  const response = await api.get(path);
  return contract.check(path, response, await response.text());
};
const HOLDER = "namespace pod container podUid job";

test("a shared GPU has all its holders; the older fields name the first", async () => {
  const { data, errors } = await api.graphql(`{ gpu(uuid: "${uuidOf(0)}") { namespace pod holders { ${HOLDER} } } }`);
  expect(errors).toBeUndefined();
  expect(data.gpu).toEqual({
    ...{ namespace: "search", pod: "embed-5d2" },
    holders: [
      { namespace: "search", pod: "embed-5d2", container: "main", podUid: null, job: null },
      { namespace: "serving", pod: "chat-7c9", container: "main", podUid: "u-1", job: null },
      { namespace: null, pod: null, container: null, podUid: null, job: "1200" },
    ],
  });
});

test("each MIG instance has its own holders", async () => {
  const { data } = await api.graphql(`{ gpu(uuid: "${uuidOf(1)}") { instances { id profile holders { pod } } } }`);
  expect(data.gpu.instances).toEqual([
    { id: "7", profile: "1g.10gb", holders: [{ pod: "chat-7c9" }] },
    { id: "8", profile: null, holders: [] },
  ]);
  expect((await rest(`/api/v1/gpus/${uuidOf(1)}`)).instances[0].holders[0].pod_uid).toBe("u-1");
});

test.each([
  ["namespace=search", 1],
  ["namespace=serving", 2],
  ["pod=chat-7c9&namespace=search", 0],
  ["job=1200", 1],
  ["job=1201", 0],
])("GET /api/v1/gpus?%s finds %d GPUs", async (query, total) => {
  expect((await rest(`/api/v1/gpus?${query}`)).total).toBe(total);
});

test("GET /api/v1/gpus as CSV has the holders of a GPU in one cell", async () => {
  const response = await api.get("/api/v1/gpus?limit=1", { headers: { accept: "text/csv" } });
  const [head = "", row = ""] = (await response.text()).split("\r\n");
  expect(head).toEndWith(",container,pod,namespace,holders,last_seen");
  expect(row).toContain(",search/embed-5d2/main;serving/chat-7c9/main/u-1;1200,");
});

test("GET /api/v1/workloads says which GPUs a pod held, and when; a line of CSV is a hold", async () => {
  const { workloads, next } = await rest("/api/v1/workloads?pod=chat-7c9");
  expect(next).toBeNull();
  expect(
    workloads.map(({ namespace, pod, holds }: { namespace: string; pod: string; holds: unknown[] }) => [
      ...[namespace, pod, holds.length],
    ]),
  ).toEqual([
    ["serving", "chat-7c9", 1],
    ["serving", "chat-7c9", 1],
  ]);
  const csv = await api.get("/api/v1/workloads?pod=embed-5d2", { headers: { accept: "text/csv" } });
  expect((await csv.text()).split("\r\n").slice(0, 2)).toEqual([
    "namespace,pod,job,gpu_uuid,instance,container,pod_uid,from,to,is_open",
    `search,embed-5d2,,${uuidOf(0)},,main,,2025-07-20T10:00:00Z,2025-07-20T10:00:02Z,true`,
  ]);
});

test("workloads lead to their GPUs and the GPUs' readings", async () => {
  const { data, errors } = await api.graphql(
    '{ workloads(pod: "embed-5d2") { workloads { holds { gpu { hostname latest { value } } } } } }',
  );
  expect(errors).toBeUndefined();
  expect(data.workloads.workloads[0].holds[0].gpu).toMatchObject({ hostname: "host-000", latest: [{}, {}] });
});

test("placements are those of a host or of a GPU", async () => {
  const of = async (args: string) => api.graphql(`{ placements(${args}) { gpuUuid gpuIndex isCurrent } }`);
  expect((await of('hostname: "host-000"')).data.placements).toHaveLength(2);
  expect((await of(`uuid: "${uuidOf(1)}"`)).data.placements).toEqual([
    { gpuUuid: uuidOf(1), gpuIndex: "1", isCurrent: true },
  ]);
  const unknown = await of('hostname: "host-00O"');
  expect(unknown.errors?.[0]).toMatchObject({
    message: expect.stringMatching(/^No hostname "host-00O" has ever been seen; nearest: "host-000"/),
    extensions: { code: "NOT_FOUND" },
  });
  for (const args of ["startTime: null", `hostname: "host-000", uuid: "${uuidOf(1)}"`]) {
    expect((await of(args)).errors?.[0]?.message).toStartWith("hostname or uuid must be given, but not both, got ");
  }
});

test.each([
  ["seen_within=soon", "seen_within must be a duration such as 250ms, 1s or 5m, at least 1s and at most 366d"],
  ["seen_within=500d", "seen_within must be a duration"],
  ["start_time=yesterday", "start_time must be"],
])("GET /api/v1/gpus?%s is refused", async (query, detail) => {
  expect((await rest(`/api/v1/gpus?${query}`)).detail).toContain(detail);
});
