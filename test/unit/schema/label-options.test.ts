import { describe, expect, test } from "bun:test";
import { CARD, FORMS, identify, UUID } from "../../support/sources/labelled-rows.ts";

const UTIL = "DCGM_FI_DEV_GPU_UTIL";

describe("options of labels", () => {
  const raw = FORMS["labels_raw alone"]!;

  test("EXPORTER_PODS decides which pods and hosts are the exporter's", () => {
    const labels = { ...CARD, Hostname: "telemetry-abc", node: "n-1", pod: "telemetry-abc", namespace: "o" };
    expect(identify(raw, UTIL, labels)).toMatchObject({
      facts: { host: "telemetry-abc" },
      holders: [{ pod: "telemetry-abc" }],
    });
    const known = identify(raw, UTIL, labels, { exporterPods: ["telemetry-"] });
    expect(known).toMatchObject({ facts: { host: "n-1" }, holders: [] });
  });

  test("LABEL_CLASSES makes a label part of the series, or keeps it out", () => {
    const labels = { ...CARD, team: "vision", vgpu: "0" };
    const classes = [
      { glob: "team", class: "series" },
      { glob: "vgpu", class: "ignored" },
    ] as const;
    expect(identify(raw, UTIL, labels, { classes })).toMatchObject({ series: `${UTIL}{team="vision"}` });
  });

  test("LABEL_CLASSES names a label of another exporter that has the uuid, or that names a holder", () => {
    const { UUID: _, ...rest } = CARD;
    const labels = { ...rest, board: UUID, tenant: "blue" };
    const classes = [
      { glob: "board", class: "device" },
      { glob: "tenant", class: "holder" },
    ] as const;
    expect(identify(raw, "my_metric", labels, { classes })).toMatchObject({
      facts: { uuid: UUID },
      series: 'my_metric{tenant="blue"}',
    });
    expect(identify(raw, UTIL, labels, { classes })).toMatchObject({ facts: { uuid: UUID }, series: UTIL });
  });

  test("a label has one value: of a repeated column the first that is not empty, and that of a column", () => {
    const form: typeof raw = (metric, labels) => [
      ["zone", ""],
      ["zone", "b"],
      ["vgpu", "1"],
      ["zone", "c"],
      ...raw(metric, { ...labels, vgpu: "2", zone: "d" }),
    ];
    expect(identify(form, "my_metric", CARD)).toMatchObject({ series: 'my_metric{vgpu="1",zone="b"}' });
  });

  test("a column wins over labels_raw, unless it is empty", () => {
    const form = FORMS["fixed columns and labels_raw"]!;
    const both: typeof form = (metric, labels) =>
      form(metric, labels).map(([name, cell]) => [name, name === "pod" ? "" : name === "Hostname" ? "n-9" : cell]);
    expect(identify(both, UTIL, { ...CARD, pod: "train-0" })).toMatchObject({
      facts: { host: "n-9" },
      holders: [{ pod: "train-0" }],
    });
  });
});
