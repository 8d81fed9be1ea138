import { describe, expect, test } from "bun:test";
import { LABEL_CLASSES, LABEL_TABLE, type LabelClass } from "../../../schema/dcgm/label-classes.ts";
import { createLabelRules, DEFAULT_LABELS, parseLabelClasses } from "../../../schema/dcgm/label-rules.ts";
import { codeIn, readDocument, tableUnder } from "../../support/project/documents.ts";
import { CARD, FORMS, identify, type Labels, UUID } from "../../support/sources/labelled-rows.ts";

/** The classes of dcgm-exporter's, Prometheus' and Kubernetes' labels, written out a second time. */
const EXPECTED: Readonly<Record<Exclude<LabelClass, "ignored">, string>> = {
  device: "UUID uuid gpu_uuid gpuuuid gpu gpu_id GPU_I_ID cpu cpucore",
  fact: "modelName model_name device pci_bus_id GPU_I_PROFILE Hostname hostname node kubernetes_node cluster DCGM_FI_*",
  holder: `pod namespace container pod_uid hpc_job pod_name pod_namespace container_name
    exported_pod exported_namespace exported_container`,
  scrape: `job instance endpoint service prometheus prometheus_replica
    exported_job exported_instance exported_service exported_endpoint __*`,
  description: "err_msg err_code health_error_code link_status dra_*",
  series: "clock_event xid nvlink nvswitch vgpu health_watch peer_gpu sensor pid window_size_in_ms",
};

const raw = FORMS["labels_raw alone"]!;
const UTIL = "DCGM_FI_DEV_GPU_UTIL";

/** Everything that the parser makes of a row, as one value. */
const meaning = (metric: string, labels: Labels, classes: { glob: string; class: LabelClass }[] = []) =>
  JSON.stringify(identify(raw, metric, labels, { classes }));

/** Rows in which each label matters, or would matter if it had another class. */
const PROBES: readonly (readonly [metric: string, labels: Labels])[] = (() => {
  const { UUID: _, gpu: __, Hostname: ___, ...nameless } = CARD;
  const sample = (name: string): Labels => ({ ...CARD, [name]: "some-value" });
  const names = LABEL_TABLE.map(({ glob }) => glob.replace("*", "X"));
  const holders = { pod: "p", namespace: "n", container: "c" };
  return [
    ...names.filter((name) => !name.toLowerCase().includes("uuid")).map((name) => [UTIL, sample(name)] as const),
    [UTIL, { ...CARD, ...holders }],
    [UTIL, { ...CARD, pod_name: "p", pod_namespace: "n", container_name: "c" }],
    [UTIL, { ...CARD, exported_pod: "p", exported_namespace: "n", exported_container: "c" }],
    ["my_metric", { ...CARD, ...holders, pod_uid: "u", hpc_job: "7" }],
    ...["UUID", "uuid", "gpu_uuid", "gpuuuid"].map((name) => [UTIL, { ...nameless, [name]: UUID }] as const),
    ...["gpu", "gpu_id"].map((name) => [UTIL, { ...nameless, Hostname: "h", [name]: "3" }] as const),
    ...["cpu", "cpucore"].map((name) => [UTIL, { ...nameless, Hostname: "h", gpu: "3", [name]: "3" }] as const),
    ...["Hostname", "hostname", "node", "kubernetes_node", "instance"].map(
      (name) => [UTIL, { ...nameless, gpu: "3", [name]: "h" }] as const,
    ),
    [UTIL, { ...nameless, Hostname: "h", gpu: "3", cluster: "a" }],
    [UTIL, { UUID, model_name: "L4" }],
    [UTIL, { UUID, DCGM_FI_DRIVER_VERSION: "1" }],
  ];
})();

describe("label classes", () => {
  test("are those of the labels that exporters and Prometheus print", () => {
    const rules = createLabelRules(DEFAULT_LABELS);
    for (const [labelClass, names] of Object.entries(EXPECTED)) {
      for (const name of names.split(/\s+/)) {
        const label = name.replace("*", "SOME");
        expect([label, rules.classOf(label, UTIL)]).toEqual([label, labelClass as LabelClass]);
        expect([label, rules.classOf(label, "my_metric")]).toEqual([label, labelClass as LabelClass]);
      }
    }
    const all = Object.values(EXPECTED).flatMap((names) => names.split(/\s+/));
    expect(LABEL_TABLE.map(({ glob }) => glob).sort()).toEqual(all.sort());
    expect(LABEL_TABLE.filter(({ source }) => source.length < 10)).toEqual([]);
  });

  test.each(LABEL_TABLE.map((entry) => [entry.glob, entry.class] as const))("%s matters as %s", (glob, labelClass) => {
    // Labels without an effect of their own must not become part of the series; the others must not lose theirs.
    const isSilent = ["description", "scrape"].includes(labelClass) && glob !== "instance";
    const wrong: LabelClass = isSilent || ["pci_bus_id", "GPU_I_PROFILE"].includes(glob) ? "series" : "ignored";
    const changed = PROBES.filter(
      ([metric, labels]) => meaning(metric, labels) !== meaning(metric, labels, [{ glob, class: wrong }]),
    );
    expect(changed.length).toBeGreaterThan(0);
  });

  test("are documented in LABELS.md", () => {
    const rows = tableUnder(readDocument("schema/LABELS.md"), "Classes");
    const documented = rows.map(([name = "", labels = ""]) => [
      codeIn(name),
      [...labels.matchAll(/`([^`]+)`/g)].map(([, label]) => label).sort(),
    ]);
    const inTable = LABEL_CLASSES.map((one) => [
      one,
      LABEL_TABLE.flatMap((entry) => (entry.class === one ? [entry.glob] : [])).sort(),
    ]);
    expect(documented).toEqual(inTable);
  });

  test("of a label that nothing names depend on the metric", () => {
    const rules = createLabelRules(DEFAULT_LABELS);
    for (const metric of [UTIL, "DCGM_FI_SOMETHING_NEW", "DCGM_EXP_GPU_HEALTH_STATUS"]) {
      expect([metric, rules.classOf("team", metric)]).toEqual([metric, "ignored"]);
    }
    for (const metric of ["DCGM_EXP_SOMETHING_NEW", "nvidia_smi_power_draw_watts", "constructor"]) {
      expect([metric, rules.classOf("team", metric)]).toEqual([metric, "series"]);
    }
  });

  test("given by the user win over the table, and the first match wins", () => {
    const classes = parseLabelClasses("team_*=series, vgpu=ignored, *_id=description,team_b=fact,gpu*e=scrape");
    if (!classes.ok) throw new Error(classes.error);
    const rules = createLabelRules({ ...DEFAULT_LABELS, classes: classes.value });
    const given = { team_a: "series", team_b: "series", vgpu: "ignored", gpu_id: "description", gpu: "device" };
    for (const [label, labelClass] of Object.entries({
      ...given,
      gpue: "scrape",
      gpu_name_e: "scrape",
      gp: "ignored",
    })) {
      expect([label, rules.classOf(label, UTIL)]).toEqual([label, labelClass as LabelClass]);
    }
  });

  test.each([
    "",
    "team",
    "team=",
    "team=labels",
    "=series",
    "a=series=fact",
    "a=series,",
    "te am=series",
    "a.b=series",
  ])("parseLabelClasses() refuses %p", (text) => {
    const parsed = parseLabelClasses(text);
    expect(parsed).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^label class must be glob=class, .*, got "/),
    });
  });

  test("have a glob that stays fast on a label made to be slow", () => {
    const classes = parseLabelClasses(`${"*a".repeat(40)}b=series`);
    const rules = createLabelRules({ ...DEFAULT_LABELS, classes: classes.ok ? classes.value : [] });
    expect(rules.classOf("a".repeat(50_000), UTIL)).toBe("ignored");
  });

  test("remember no more than a bounded number of labels", () => {
    const rules = createLabelRules(DEFAULT_LABELS);
    for (let index = 0; index < 25_000; index++) rules.classOf(`label_${index}`, UTIL);
    expect(rules.classOf("vgpu", UTIL)).toBe("series");
    expect(LABEL_CLASSES).toContain(rules.classOf("label_1", UTIL));
  });
});
