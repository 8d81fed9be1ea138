import { describe, expect, test } from "bun:test";
import { DCGM_HEADER, parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { parseLabels } from "../../../schema/dcgm/labels.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import type { HolderSet } from "../../../schema/model/holder.ts";
import { gpuUuid, type RowFields, rowFields, usualRules } from "../../support/sources/dcgm-file.ts";

const columnsOf = (names: readonly string[]) => {
  const columns = parseDcgmHeader(names);
  if (!columns.ok) throw new Error(columns.error);
  return columns.value;
};

/** Parses a row given as a record of column names and fields. */
const identify = (fields: RowFields) =>
  new RowIdentities({ columns: columnsOf(Object.keys(fields)), rules: usualRules }).of(Object.values(fields));

const factsOf = (fields: RowFields) => {
  const identity = identify(fields);
  if (!identity.ok) throw new Error(identity.error.detail);
  return identity.value.facts;
};
const holdersOf = (fields: RowFields): HolderSet => {
  const identity = identify(fields);
  return identity.ok ? identity.value.holders : [];
};

const without = (fields: RowFields, ...names: string[]): RowFields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

describe("parseDcgmHeader()", () => {
  test("finds columns by name in any order among others", () => {
    const columns = columnsOf(["rack", ...DCGM_HEADER.split(",").reverse()]);
    expect(columns.value).toBe(2);
    expect(columns.timestamp).toBe(12);
  });

  test("names a missing or repeated column", () => {
    const names = DCGM_HEADER.split(",");
    expect(parseDcgmHeader(names.filter((name) => name !== "metric_name"))).toEqual({
      ok: false,
      error: "column metric_name or __name__ or metric is missing",
    });
    expect(parseDcgmHeader(["timestamp", "metric_name", "value", "pod"])).toEqual({
      ok: false,
      error: "column uuid or UUID or gpu_uuid or gpuuuid or gpu_id or gpu or labels_raw is missing",
    });
    expect(parseDcgmHeader([...names, "pod"])).toEqual({ ok: false, error: "column pod appears twice" });
    expect(parseDcgmHeader([...names, "value"])).toEqual({ ok: false, error: "column value appears twice" });
  });
});

describe("RowIdentities.of()", () => {
  test("reads facts from columns and the driver from labels, and empty text as unknown", () => {
    expect(factsOf(rowFields(3))).toEqual({
      uuid: gpuUuid(3) as never,
      index: "3",
      device: "nvidia3",
      model: "NVIDIA H100 80GB HBM3",
      host: "node-1",
      driver: "535.129.03",
      instance: null,
      pciBusId: null,
      profile: null,
      labels: null,
    });
    expect(holdersOf(rowFields(3))).toEqual([]);
  });

  test("falls back to labels when columns are missing or empty", () => {
    const fields = {
      ...without(rowFields(0), "gpu_id", "device", "pod"),
      modelName: "",
      labels_raw: 'device="nvidia5",gpu="5",modelName="A100",pod="trainer-0",hostname="ignored"',
    };
    expect(factsOf(fields)).toMatchObject({ index: "5", device: "nvidia5", model: "A100" });
    expect(holdersOf(fields)).toMatchObject([{ pod: "trainer-0" }]);
  });

  test("takes the holder from exported_pod, or from the plain labels unless they name the exporter", () => {
    const exporter = { pod: "dcgm-exporter-x", namespace: "gpu-operator", container: "exporter" };
    const labels_raw =
      'exported_pod="trainer-0",exported_namespace="ml",exported_container="main",pod="dcgm-exporter-x"';
    expect(holdersOf(rowFields(0, { ...exporter, labels_raw }))).toEqual([
      { kind: "pod", namespace: "ml", pod: "trainer-0", container: "main", podUid: null },
    ]);
    expect(holdersOf({ ...rowFields(0, exporter), exported_pod: "" })).toEqual([]);
    expect(holdersOf(rowFields(0, { pod: "metrics-7", container: "nvidia_gpu_exporter" }))).toEqual([]);
    expect(holdersOf({ ...rowFields(0, { pod: "trainer-1" }), exported_pod: "" })).toMatchObject([
      { pod: "trainer-1" },
    ]);
  });

  test("names Slurm jobs, also beside a pod, and the uid of a pod", () => {
    const labels_raw = 'hpc_job="1200",pod_uid="7c9"';
    expect(holdersOf(rowFields(0, { labels_raw }))).toEqual([{ kind: "job", job: "1200" }]);
    expect(holdersOf(rowFields(0, { pod: "worker-1", labels_raw }))).toEqual([
      { kind: "pod", namespace: null, pod: "worker-1", container: null, podUid: "7c9" },
      { kind: "job", job: "1200" },
    ]);
  });

  test("accepts hostname, gpu and model_name as Hostname, gpu_id and modelName", () => {
    const fields = {
      ...without(rowFields(0), "Hostname", "gpu_id", "modelName"),
      hostname: "node-2",
      gpu: "7",
      model_name: "B200",
    };
    expect(factsOf(fields)).toMatchObject({ host: "node-2", index: "7", model: "B200" });
  });

  test("returns the canonical name for an alias of DCGM 4.6, and separates MIG instances", () => {
    const labels_raw = 'GPU_I_ID="3",gpu="0"';
    const old = identify(rowFields(0, { labels_raw }));
    const renamed = identify(rowFields(0, { labels_raw, metric_name: "DCGM_FI_DEV_GPU_UTIL_RATIO" }));
    expect(renamed).toEqual(old);
    expect(old.ok && String(old.value.series)).toBe('DCGM_FI_DEV_GPU_UTIL{GPU_I_ID="3"}');
  });

  test.each([
    ["uuid", { uuid: "GPU-5fd4f087-86f3-7a43-b711-4771313afc5" }],
    ["uuid", { uuid: ` ${gpuUuid(0)}` }],
    ["uuid", { uuid: "", gpu_id: "", labels_raw: "" }],
    ["uuid", { uuid: "", Hostname: "", labels_raw: "" }],
    ["metric", { metric_name: "" }],
    ["metric", { metric_name: "9_LIVES" }],
    ["metric", { metric_name: "GPU UTIL" }],
    ["control", { namespace: "ml\u0000" }],
    ["control", { modelName: "H100\u200f" }],
    ["control", { labels_raw: 'clock_event="a\u2028b"' }],
    ["labels", { labels_raw: 'gpu="0' }],
    ["labels", { labels_raw: "gpu=0" }],
  ])("refuses %s in %j", (reason, given) => {
    const identity = identify(rowFields(0, given as RowFields));
    expect(identity.ok ? "ok" : identity.error.reason).toBe(reason);
  });

  test("keeps a metric that is not in the catalogue", () => {
    const identity = identify(rowFields(0, { metric_name: "my:own_metric2" }));
    expect(identity.ok && String(identity.value.series)).toBe("my:own_metric2");
  });

  test("rejects more or fewer fields than the header has", () => {
    const columns = columnsOf(DCGM_HEADER.split(","));
    const fields = Object.values(rowFields(0));
    for (const some of [fields.slice(1), [...fields, "x"]]) {
      expect(new RowIdentities({ columns, rules: usualRules }).of(some)).toMatchObject({ error: { reason: "fields" } });
    }
  });
});

describe("parseLabels()", () => {
  test("reads escapes, commas and braces inside values", () => {
    const labels = parseLabels('a="x,y=\\"z\\"",b="{}",c="",d="back\\\\slash", e="new\\nline"');
    expect(labels.ok && [...labels.value]).toEqual([
      ["a", 'x,y="z"'],
      ["b", "{}"],
      ["c", ""],
      ["d", "back\\slash"],
      ["e", "new\nline"],
    ]);
  });

  test("rejects text that is truncated inside a label", () => {
    const whole = 'gpu="0",job="dcgm"';
    const accepted = Array.from(whole, (_, end) => whole.slice(0, end)).filter((cut) => parseLabels(cut).ok);
    expect(accepted).toEqual(["", 'gpu="0"', 'gpu="0",']);
  });
});

describe("parseDcgmValue()", () => {
  test.each([
    ["0", 0],
    ["-0", -0],
    ["+5", 5],
    [".5", 0.5],
    ["5.", 5],
    ["1e3", 1000],
    ["-1.5E-2", -0.015],
    ["2147483631", 2147483631],
    ["2147483636", 2147483636],
    ["2147483632.5", 2147483632.5],
    ["140737488355332", 140737488355332],
    ["9100000000000000000", 9.1e18],
    ["-9223372036854775808", -(2 ** 63)],
  ])("reads %s", (text, value) => {
    expect(parseDcgmValue(text)).toEqual({ ok: true, value });
  });

  test.each([
    ["blank", ["", "N/A", "n/a", "[N/A]", "[Not Supported]", "<<<NULL>>>", "<<<NOT_SUPPORTED>>>"]],
    ["blank", ["2147483632", "2147483633", "2147483634", "2147483635"]],
    ["blank", ["9223372036854775792", "9223372036854775794", "9223372036854775795", "1234567890123456789012345"]],
    ["blank", ["140737488355328", "140737488355329.0", "140737488355330", "140737488355331.000"]],
    ["not_finite", ["NaN", "nan", "Inf", "+Inf", "-inf", "Infinity", "1e999", "-1e999"]],
    ["value", [" 5", "5 ", "0x10", "1_000", "abc", "1,5", "--1", "e5", ".", "-", "5e", "٣"]],
  ])("refuses as %s: %j", (reason, texts) => {
    for (const text of texts) {
      const parsed = parseDcgmValue(text);
      expect([text, parsed.ok ? parsed.value : parsed.error.reason]).toEqual([text, reason]);
    }
  });
});
