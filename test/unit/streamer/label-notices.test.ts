import { expect, test } from "bun:test";
import { DEFAULT_LABELS, type LabelOptions } from "../../../schema/dcgm/label-rules.ts";
import { createMetrics } from "../../../services/platform/process/metrics.ts";
import { keptLog } from "../../support/process/kept-log.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { CARD, FORMS, fileOf, UUID } from "../../support/sources/labelled-rows.ts";
import { filesAt, openTestQueue, stream } from "../../support/streamer/streamed.ts";

const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const POWER = "DCGM_FI_DEV_POWER_USAGE";
const OTHER = UUID.replace("c0de", "c0df");

type Rows = Parameters<typeof fileOf>[1];

interface Options {
  readonly form?: string;
  readonly classes?: LabelOptions["classes"];
  readonly batchSize?: number | null;
}

/** Streams files of these rows and returns what the streamer logged under the message, and its metrics. */
async function noticed(
  message: string,
  files: readonly Rows[],
  { form = "labels_raw alone", classes = [], batchSize = null }: Options = {},
) {
  await using folder = await temporaryFolder();
  for (const [index, rows] of files.entries()) {
    await Bun.write(`${folder.path}/${index}.csv`, fileOf(FORMS[form]!, rows));
  }
  const { log, lines } = keptLog();
  const metrics = createMetrics();
  const sources = { ...filesAt(folder.path), labels: { ...DEFAULT_LABELS, classes } };
  await stream({ sources, batchSize }, { queue: openTestQueue(), log, metrics });
  const said = lines.filter((line) => line.message === message).map(({ fields }) => fields);
  return {
    said: said.map((fields): unknown => ({ ...fields, source: String(fields.source).split("/").at(-1) })),
    metrics: await metrics.render(),
  };
}

test.each(Object.keys(FORMS))("runStreamer() names each ignored label once per source, from %s", async (form) => {
  const labels = { ...CARD, team: "vision", empty: "" };
  const rows: Rows = [
    { metric: UTIL, labels: { ...CARD, team: "" }, value: 1 },
    { metric: UTIL, labels, value: 1, second: 1 },
    { metric: POWER, labels: { ...labels, team: "speech" }, value: 1, second: 1 },
    { metric: POWER, labels: { ...labels, zone: "b" }, value: 1, second: 2 },
    { metric: "my_metric", labels: { ...labels, queue: "q" }, value: 1, second: 2 },
  ];
  const { said, metrics } = await noticed("label ignored", [rows, rows.slice(1, 2)], { form });
  expect(said).toEqual([
    { source: "0.csv", label: "team", metric: UTIL },
    { source: "0.csv", label: "zone", metric: POWER },
    { source: "1.csv", label: "team", metric: UTIL },
  ]);
  expect(metrics).toContain("gpu_telemetry_streamer_labels_ignored_total 3");
});

test("runStreamer() names labels that LABEL_CLASSES ignores, and none that it keeps", async () => {
  const labels = { ...CARD, team: "vision", vgpu: "1" };
  const classes = [
    { glob: "team", class: "series" },
    { glob: "vgpu", class: "ignored" },
  ] as const;
  const { said } = await noticed("label ignored", [[{ metric: UTIL, labels, value: 1 }]], { classes });
  expect(said).toEqual([{ source: "0.csv", label: "vgpu", metric: UTIL }]);
});

test("runStreamer() logs 100 ignored labels of a source, and that there are more", async () => {
  const rows = Array.from({ length: 5000 }, (_, label) => ({
    metric: UTIL,
    labels: { ...CARD, [`label_${label}`]: "x" },
    value: 1,
    second: 1,
  }));
  const { said, metrics } = await noticed("label ignored", [rows]);
  expect(said.length).toBe(100);
  expect((await noticed("further labels ignored", [rows])).said).toEqual([{ source: "0.csv", logged: 100 }]);
  expect(metrics).toContain("gpu_telemetry_streamer_labels_ignored_total 100");
});

test.each([null, 4])(
  "runStreamer() names each series that differs once per source, in batches of %p",
  async (batchSize) => {
    const xids = (value: number, xid: string, uuid = UUID): Rows[number] => ({
      metric: "DCGM_EXP_XID_ERRORS_COUNT",
      labels: { ...CARD, UUID: uuid, xid },
      value,
    });
    const util = (value: number, second: number): Rows[number] => ({ metric: UTIL, labels: CARD, value, second });
    const rows: Rows = [
      ...[util(1, 0), util(1, 0), util(5, 1), util(5, 1)],
      ...[xids(1, "31"), xids(2, "31"), xids(1, "79"), xids(1, "79"), xids(1, "31", OTHER), xids(3, "31", OTHER)],
      ...[util(1, 2), util(2, 2), util(1, 3), util(2, 3)],
    ];
    const { said } = await noticed("values differ", [rows, rows.slice(-2)], { batchSize });
    const first = { gpu: UUID, values: [1, 2] };
    expect(said).toEqual([
      { ...first, source: "0.csv", series: 'DCGM_EXP_XID_ERRORS_COUNT{xid="31"}', at: "2025-07-18T20:00:00Z" },
      { ...first, source: "0.csv", series: UTIL, at: "2025-07-18T20:00:02Z" },
      { ...first, source: "1.csv", series: UTIL, at: "2025-07-18T20:00:03Z" },
    ]);
  },
);

test("runStreamer() logs 100 series with differing values of a source, and that there are more", async () => {
  const rows = Array.from({ length: 300 }, (_, index) => ({
    metric: "my_metric",
    labels: { ...CARD, queue: String(index >> 1) },
    value: index,
  }));
  expect((await noticed("values differ", [rows])).said.length).toBe(100);
  expect((await noticed("further values differ", [rows])).said).toEqual([{ source: "0.csv", logged: 100 }]);
});
