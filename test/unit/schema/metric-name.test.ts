import { describe, expect, test } from "bun:test";
import { METRICS } from "../../../schema/model/metric.ts";
import { METRIC_ALIASES } from "../../../schema/model/metric-aliases.ts";
import { createMetricNames } from "../../../schema/model/metric-name.ts";

const names = createMetricNames(["node_fan_speed", "gpu_util", "NODE_Fan_Power"]);

describe("meant()", () => {
  test("returns the canonical name for every name and alias of the catalogue", () => {
    for (const name of Object.keys(METRICS)) expect(names.meant(name)).toEqual([name]);
    for (const [alias, name] of Object.entries(METRIC_ALIASES)) expect(names.meant(alias)).toEqual([name]);
  });

  test("accepts any case, and names without their prefix", () => {
    expect(createMetricNames([]).meant("gpu_util")).toEqual(["DCGM_FI_DEV_GPU_UTIL"]);
    expect(names.meant("GPU_TEMP")).toEqual(["DCGM_FI_DEV_GPU_TEMP"]);
    expect(names.meant("dcgm_fi_dev_gpu_temp")).toEqual(["DCGM_FI_DEV_GPU_TEMP"]);
    expect(names.meant("Sm_Active")).toEqual(["DCGM_FI_PROF_SM_ACTIVE"]);
    expect(names.meant("node_fan_power")).toEqual(["NODE_Fan_Power"]);
  });

  test("prefers a stored name that is written exactly so", () => {
    expect(names.meant("gpu_util")).toEqual(["gpu_util"]);
  });

  test("returns all metrics that an ambiguous name stands for, and none for an unknown one", () => {
    expect(names.meant("GPU_UTIL")).toEqual(["DCGM_FI_DEV_GPU_UTIL", "gpu_util"]);
    expect(names.meant("DCGM_FI_DEV_GPU_UTLI")).toEqual([]);
    expect(names.meant("")).toEqual([]);
    expect(names.meant("__proto__")).toEqual([]);
  });
});

describe("nearest()", () => {
  test("finds what was mistyped, with or without prefix, and what a part of a name belongs to", () => {
    expect(names.nearest("DCGM_FI_DEV_GPU_UTLI")[0]).toBe("DCGM_FI_DEV_GPU_UTIL");
    expect(names.nearest("gpu_tmep")[0]).toBe("DCGM_FI_DEV_GPU_TEMP");
    expect(names.nearest("node_fan_sped")[0]).toBe("node_fan_speed");
    expect(names.nearest("occupancy")).toEqual(["DCGM_FI_PROF_SM_OCCUPANCY"]);
    expect(names.nearest('DCGM_FI_DEV_GPU_TEMP{GPU_I_ID="3"}')[0]).toBe("DCGM_FI_DEV_GPU_TEMP");
  });

  test("suggests nothing for text that is like no name, and three names at most", () => {
    expect(names.nearest("zzzzzzzzzzzzzzzzzzzzzz")).toEqual([]);
    expect(names.nearest("x".repeat(10_000))).toEqual([]);
    expect(names.nearest("util").length).toBe(3);
  });
});
