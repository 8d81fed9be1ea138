import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Series } from "../../../schema/model/reading.ts";
import { openApi, openRemoteApi } from "../../support/api/api.ts";
import { START, TEMP, UTIL, uuidOf } from "../../support/api/fleet.ts";
import { openEvents } from "../../support/api/sse.ts";

const CUSTOM = "node_fan_speed" as Series;
const TELEMETRY = `/api/v1/gpus/${uuidOf(3)}/telemetry`;

for (const [wiring, open] of [
  ["in the same process", openApi],
  ["over the wire", openRemoteApi],
] as const) {
  describe(`names that nothing has, subgraphs ${wiring}`, () => {
    let api: Awaited<ReturnType<typeof openApi>>;
    beforeAll(async () => {
      api = await open({ gpus: 24, ticks: 2 });
      api.store.stored.push({ gpu: uuidOf(3), series: CUSTOM, at: START, value: 1 });
    });
    afterAll(() => api[Symbol.asyncDispose]());

    const rest = async (path: string) => {
      const response = await api.get(path);
      return { status: response.status, body: await response.json() };
    };

    test("a metric that nothing has is refused in REST, with the nearest names", async () => {
      const { status, body } = await rest(`${TELEMETRY}?metric=DCGM_FI_DEV_GPU_UTLI`);
      expect(status).toBe(400);
      expect(body.detail).toMatch(/^metric must be .*, got "DCGM_FI_DEV_GPU_UTLI"; nearest: DCGM_FI_DEV_GPU_UTIL/);
      expect((await rest(`${TELEMETRY}?metric=node_fan_sped`)).body.detail).toMatch(/nearest: node_fan_speed/);
    });

    test("a metric that nothing has is refused in GraphQL, with the nearest names", async () => {
      const fields = ['latest(metrics: ["gpu_tmep"]) { value }', 'telemetry(metrics: ["gpu_tmep"]) { count }'];
      for (const field of fields) {
        const { data, errors } = await api.graphql(`{ gpu(uuid: "${uuidOf(3)}") { uuid ${field} } }`);
        expect(data.gpu).toMatchObject({ uuid: uuidOf(3) });
        expect(errors?.[0]).toMatchObject({
          message: expect.stringMatching(/^metrics must be .*, got "gpu_tmep"; nearest: DCGM_FI_DEV_GPU_TEMP/),
          extensions: { code: "BAD_USER_INPUT" },
        });
      }
    });

    test("a metric that nothing has is refused in a subscription, with the nearest names", async () => {
      await using events = await openEvents(
        api.url,
        'subscription { readings(filter: { metrics: ["GPU_TEMPP"] }) { missed } }',
      );
      const { errors } = await events.next();
      expect(errors?.[0]?.message).toMatch(/got "GPU_TEMPP"; nearest: DCGM_FI_DEV_GPU_TEMP/);
    });

    test("metrics are found in any case, without the prefix, and by names that only the store has", async () => {
      for (const [name, series] of [
        ["gpu_util", UTIL],
        ["Dcgm_Fi_Dev_Gpu_Temp", TEMP],
        ["GPU_TEMP", TEMP],
        ["NODE_FAN_SPEED", CUSTOM],
        [CUSTOM, CUSTOM],
      ] as const) {
        const { body } = await rest(`${TELEMETRY}?metric=${name}&limit=1`);
        expect([name, body.telemetry[0]?.metric_name]).toEqual([name, series]);
      }
    });

    test("a metric of the catalogue without readings is answered with an empty list", async () => {
      expect((await rest(`${TELEMETRY}?metric=DCGM_FI_DEV_FB_FREE`)).body).toMatchObject({ count: 0 });
    });

    test("an empty list of GPUs names the filters that nothing has ever had", async () => {
      const query = "hostname=host-00l&model=NVIDIA+H100&namespace=reserch&pod=train-4&job=9";
      const { status, body } = await rest(`/api/v1/gpus?${query}`);
      expect(status).toBe(200);
      expect(body).toMatchObject({ gpus: [], total: 0, next: null });
      expect(body.notes).toEqual([
        'No hostname "host-00l" has ever been seen; nearest: "host-000", "host-001"',
        'No model "NVIDIA H100" has ever been seen; nearest: "NVIDIA H100 80GB HBM3", "NVIDIA A100"',
        'No namespace "reserch" has ever been seen; nearest: "research"',
        'No job "9" has ever been seen',
      ]);
      expect((await rest("/api/v1/gpus?limit=1")).body.notes).toEqual([]);
      expect((await rest("/api/v1/gpus?hostname=host-000&model=NVIDIA+A100")).body.notes).toEqual([]);
    });

    test("an empty list as CSV or NDJSON has the notes in header Note", async () => {
      for (const accept of ["text/csv", "application/x-ndjson"]) {
        for (const limit of ["", "&limit=5"]) {
          const response = await api.get(`/api/v1/gpus?hostname=n%C3%B6de${limit}`, { headers: { accept } });
          await response.text();
          expect(response.headers.get("note")).toBe('No hostname "n\\u00f6de" has ever been seen');
        }
      }
      const full = await api.get("/api/v1/gpus?limit=1", { headers: { accept: "text/csv" } });
      expect([full.headers.get("note"), (await full.text()).split("\r\n").length]).toEqual([null, 3]);
    });

    test("an empty list of workloads, and an empty snapshot, name what nothing has ever had", async () => {
      const { data } = await api.graphql('{ workloads(namespace: "prod") { workloads { pod } notes } }');
      expect(data.workloads).toEqual({ workloads: [], notes: ['No namespace "prod" has ever been seen'] });
      const filter = '{ hosts: ["host-002", "host-001"], namespaces: ["reserch"] }';
      await using events = await openEvents(
        api.url,
        `subscription { readings(filter: ${filter}) { readings { value } notes } }`,
      );
      expect((await events.next()).data.readings).toEqual({
        readings: [],
        notes: [
          'No hostname "host-002" has ever been seen; nearest: "host-000", "host-001"',
          'No namespace "reserch" has ever been seen; nearest: "research"',
        ],
      });
    });
  });
}
