import { describe, expect, test } from "bun:test";
import type { LabelOptions } from "../../../schema/dcgm/label-rules.ts";
import { DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import type { GpuFacts } from "../../../schema/model/gpu.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { CARD, FORMS, fileOf, type Labels, UUID } from "../../support/sources/labelled-rows.ts";
import { batchesIn, filesAt, openTestQueue, storedOf, stream } from "../../support/streamer/streamed.ts";

type Rows = Parameters<typeof fileOf>[1];

interface Outcome {
  /** `<uuid> <series> <second> <value>`, sorted. */
  readonly readings: readonly string[];
  readonly facts: readonly GpuFacts[];
  /** Each block's GPU with the first set of holders that it names. */
  readonly held: readonly unknown[];
  readonly skipped: Readonly<Record<string, number>>;
  readonly details: readonly string[];
  readonly lines: readonly number[];
}

async function streamed(
  form: (typeof FORMS)[string],
  rows: Rows,
  { maxSeriesPerMetric = 512, labels = {} }: { maxSeriesPerMetric?: number; labels?: Partial<LabelOptions> } = {},
): Promise<Outcome> {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/some.csv`;
  await Bun.write(path, fileOf(form, rows));
  const queue = openTestQueue();
  const sources = { ...filesAt(path), labels: { ...DEFAULT_LABELS, ...labels } };
  const { skipped, skipExamples } = await stream({ sources, maxSeriesPerMetric }, { queue });
  const batches = await batchesIn(queue);
  const start = Date.UTC(2025, 6, 18, 20);
  const readings = storedOf(batches).map((text) => text.replace(/\d{13}/, (at) => String((Number(at) - start) / 1000)));
  return {
    readings,
    facts: batches.flatMap(({ sightings }) => sightings.map(({ facts }) => facts)),
    held: batches.flatMap(({ blocks }) => blocks.map(({ gpu, evidence }) => [gpu, evidence?.sets[0] ?? []])),
    skipped,
    details: skipExamples.map(({ detail }) => detail),
    lines: skipExamples.map(({ line }) => line),
  };
}

const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const HEALTH = "DCGM_EXP_GPU_HEALTH_STATUS";

describe.each(Object.entries(FORMS))("runStreamer() on rows in the form %s", (_, form) => {
  test.each([
    ["health of watches", HEALTH, "health_watch", ["PCIE", "NVLINK", "MEM", "THERMAL"]],
    ["errors by XID", "DCGM_EXP_XID_ERRORS_COUNT", "xid", ["13", "31", "79"]],
    ["peers", "DCGM_EXP_P2P_STATUS", "peer_gpu", ["0", "1", "3"]],
    ["replicas of a time-sliced GPU", UTIL, "vgpu", ["0", "1", "2"]],
    ["MIG instances", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "GPU_I_ID", ["7", "8", "11"]],
  ])("keeps %s apart, and their descriptions together", async (_name, metric, label, values) => {
    const rows = values.flatMap((value, index) =>
      [0, 1].map((second) => ({
        metric,
        labels: {
          ...CARD,
          [label]: value,
          health_error_code: `code-${second}`,
          link_status: `status-${second}`,
          err_msg: `text-${second}`,
          pod: `pod-${index}`,
        },
        value: index % 2,
        second,
      })),
    );
    const { readings, skipped } = await streamed(form, rows);
    const expected = values.flatMap((value, index) =>
      [0, 1].map((second) => `${UUID} ${metric}{${label}="${value}"} ${second} ${index % 2}`),
    );
    expect(readings).toEqual(expected.sort());
    expect(skipped).toEqual({});
  });

  test("adds both spellings of a uuid to one GPU", async () => {
    const { readings } = await streamed(form, [
      { metric: UTIL, labels: CARD, value: 40 },
      { metric: "nvidia_smi_utilization_gpu_ratio", labels: { uuid: UUID.slice(4) }, value: 0.25 },
      { metric: "DCGM_FI_DEV_GPU_TEMP", labels: { gpu_uuid: UUID.toUpperCase() }, value: 51 },
    ]);
    expect(readings).toEqual([
      `${UUID} DCGM_FI_DEV_GPU_TEMP 0 51`,
      `${UUID} ${UTIL} 0 40`,
      `${UUID} nvidia_smi_utilization_gpu_ratio 0 0.25`,
    ]);
  });

  test.each([
    ["virtual machines", "GPU-00000000-0000-0000-0000-000000000000", "Hostname"],
    ["cards of another vendor", "00000000-0000-0000-0000-000000000000", "hostname"],
    ["MIG instances", "MIG-00000000-0000-0000-0000-000000000000", "Hostname"],
  ])("makes no GPU of zeros that %s report", async (_name, uuid, host) => {
    const { readings, skipped, details, lines } = await streamed(form, [
      { metric: UTIL, labels: { UUID: uuid, [host]: "vm-1", gpu: "0" }, value: 3 },
      { metric: UTIL, labels: { UUID: uuid, [host]: "vm-2", gpu: "0" }, value: 44 },
      { metric: UTIL, labels: CARD, value: 5 },
    ]);
    expect(readings).toEqual([`${UUID} ${UTIL} 0 5`]);
    expect(skipped).toEqual({ uuid: 2 });
    expect(details[0]).toBe("uuid must be that of one GPU, got zeros, which many GPUs report");
    expect(lines).toEqual([2, 3]);
  });

  test("counts other devices apart from malformed uuids", async () => {
    const { readings, skipped } = await streamed(form, [
      { metric: "DCGM_FI_DEV_CPU_TEMP_CURRENT", labels: { cpu: "0", hostname: "grace-1" }, value: 39.5 },
      { metric: "DCGM_FI_DEV_CPU_UTIL_TOTAL", labels: { cpu: "0", cpucore: "3", hostname: "grace-1" }, value: 0.2 },
      { metric: "DCGM_FI_DEV_NVSWITCH_TEMPERATURE_CURRENT", labels: { nvswitch: "0", hostname: "dgx-1" }, value: 45 },
      { metric: UTIL, labels: { ...CARD, UUID: "GPU-1" }, value: 5 },
    ]);
    expect(readings).toEqual([]);
    expect(skipped).toEqual({ other_device: 3, uuid: 1 });
  });

  test("finds a GPU without a uuid by cluster, host and index", async () => {
    const { UUID: _uuid, ...nameless } = CARD;
    const { readings, facts } = await streamed(form, [
      { metric: UTIL, labels: nameless, value: 1 },
      { metric: UTIL, labels: { ...nameless, gpu: "3" }, value: 2 },
      { metric: UTIL, labels: { ...nameless, cluster: "eu" }, value: 3 },
    ]);
    expect(readings).toEqual([
      `HOST-eu:rack7-n3-2 ${UTIL} 0 3`,
      `HOST-rack7-n3-2 ${UTIL} 0 1`,
      `HOST-rack7-n3-3 ${UTIL} 0 2`,
    ]);
    expect(facts.map(({ host, index }) => `${host} ${index}`).sort()).toEqual([
      "rack7-n3 2",
      "rack7-n3 2",
      "rack7-n3 3",
    ]);
  });

  test("gives an idle GPU to nobody beside a busy one", async () => {
    const target = { pod: "nvidia-dcgm-exporter-78z52", namespace: "gpu-operator", container: "nvidia-dcgm-exporter" };
    const held = { exported_pod: "train-0", exported_namespace: "ml", exported_container: "torch" };
    const other = UUID.replace("c0de", "c0df");
    const rows = [0, 1].flatMap((second) => [
      { metric: UTIL, labels: { ...CARD, ...target }, value: 0, second },
      { metric: UTIL, labels: { ...CARD, ...target, ...held, UUID: other, gpu: "3" }, value: 95, second },
    ]);
    const { held: named } = await streamed(form, rows);
    expect(named).toEqual([
      [UUID, []],
      [other, [{ kind: "pod", namespace: "ml", pod: "train-0", container: "torch", podUid: null }]],
    ]);
  });
});

const raw = FORMS["labels_raw alone"]!;

test.each([
  ["one", 1],
  ["seven", 7],
  ["five hundred and twelve", 512],
])("runStreamer() takes at most %s series of a metric and GPU, and names the label", async (_, max) => {
  const of = (request: number, labels: Labels = {}) => ({
    metric: "requests",
    labels: { ...CARD, ...labels, request: `r-${request}`, zone: `z-${request % 2}` },
    value: request,
  });
  const rows = Array.from({ length: max + 5 }, (_, request) => of(request));
  const again = rows.slice(0, max).map((row) => ({ ...row, second: 1 }));
  const other = of(max + 9, { UUID: UUID.replace("c0de", "c0df") });
  const plain = { metric: "requests", labels: CARD, value: -1 };
  const { readings, skipped, details, lines } = await streamed(raw, [...rows, ...again, other, plain], {
    maxSeriesPerMetric: max,
  });
  expect(readings.length).toBe(2 * max + 2);
  expect(skipped).toEqual({ cardinality: 5 });
  expect(details[0]).toBe(`series of requests on ${UUID} must be at most ${max}, got more by label request`);
  expect(lines).toEqual([max + 2, max + 3, max + 4]);
});

test("runStreamer() counts a reading of zeros or of too many series in positions like any other", async () => {
  const nil = { ...CARD, UUID: "GPU-00000000-0000-0000-0000-000000000000" };
  const rows = Array.from({ length: 12 }, (_, index) => ({
    metric: "requests",
    labels: index % 3 === 0 ? nil : { ...CARD, request: String(index % 3) },
    value: index,
    second: index >> 1,
  }));
  const { readings, skipped } = await streamed(raw, rows, { maxSeriesPerMetric: 1 });
  expect(skipped).toEqual({ uuid: 4, cardinality: 4 });
  expect(readings.length).toBe(4);
});
