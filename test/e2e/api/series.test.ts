/** Aggregates over time and groups, over GraphQL. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openApi } from "../../support/api/api.ts";
import { START, uuidOf } from "../../support/api/fleet.ts";

let api: Awaited<ReturnType<typeof openApi>>;
beforeAll(async () => {
  // GPU n has the utilisation n + t in second t. Even GPUs are held by pods of their own.
  api = await openApi({ gpus: 4, ticks: 10 });
});
afterAll(() => api[Symbol.asyncDispose]());

const at = (second: number) => new Date(START + second * 1000).toISOString();
const series = async (args: string, fields: string) =>
  api.graphql(`{ series(metrics: ["gpu_util"], startTime: "${at(0)}", endTime: "${at(9)}"${args}) { ${fields} } }`);

test("series has the windows of each GPU", async () => {
  const { data } = await series(
    ', step: "5s"',
    "times stepSeconds resolution groups { gpuUuid metricName avg min max count }",
  );
  expect(data.series).toEqual({
    times: [0, 5].map((second) => at(second).replace(".000", "")),
    stepSeconds: 5,
    resolution: "raw",
    groups: [0, 1, 2, 3].map((gpu) => ({
      gpuUuid: uuidOf(gpu),
      metricName: "DCGM_FI_DEV_GPU_UTIL",
      ...{ avg: [gpu + 2, gpu + 7], min: [gpu, gpu + 5], max: [gpu + 4, gpu + 9], count: [5, 5] },
    })),
  });
});

test("series has one number for each pod, namespace, model or the whole fleet", async () => {
  const one = async (groupBy: string, fields: string) =>
    (await series(`, groupBy: [${groupBy}]`, `groups { ${fields} }`)).data.series.groups;
  expect(await one("POD", "namespace pod avg shared")).toEqual([
    { namespace: "research", pod: "train-0", avg: [4.5], shared: false },
    { namespace: "research", pod: "train-2", avg: [6.5], shared: false },
  ]);
  expect(await one("NAMESPACE", "namespace pod avg")).toEqual([{ namespace: "research", pod: null, avg: [5.5] }]);
  expect(await one("MODEL", "modelName max")).toEqual([
    { modelName: "NVIDIA A100", max: [12] },
    { modelName: "NVIDIA H100 80GB HBM3", max: [10] },
  ]);
  expect(await one("", "avg count")).toEqual([{ avg: [6], count: [40] }]);
});

test("series combines groups as it is asked to", async () => {
  const { data } = await series(", groupBy: [], across: SUM", "groups { avg max }");
  expect(data.series.groups).toEqual([{ avg: [4.5 + 5.5 + 6.5 + 7.5], max: [9 + 10 + 11 + 12] }]);
});

test("series refuses wrong arguments, and lists names in the filter that have never been seen", async () => {
  for (const [args, message] of [
    [', step: "soon"', "step must be a duration such as"],
    [', step: "10ms"', "step must be a duration such as"],
    [', filter: { uuid: "GPU-x" }', "uuid must be"],
  ] as const) {
    const { errors } = await series(args, "times");
    expect([args, errors?.[0]?.message]).toEqual([args, expect.stringContaining(message)]);
    expect(errors?.[0]?.extensions?.code).toBe("BAD_USER_INPUT");
  }
  const { data } = await series(', filter: { pod: "train-9" }', "groups { avg } notes");
  expect(data.series).toEqual({ groups: [], notes: [expect.stringContaining('No pod "train-9" has ever been seen')] });
});
