import { describe, expect, test } from "bun:test";
import { canonicalMetric, METRICS } from "../../../schema/model/metric.ts";
import { METRIC_ALIASES } from "../../../schema/model/metric-aliases.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf, seriesLabels, seriesOf } from "../../../schema/model/series.ts";

describe("metric catalogue", () => {
  test("maps each alias to one canonical name, and no alias is the name of another metric", () => {
    const aliases = Object.values(METRICS).flatMap((metric) => metric.aliases);
    expect(new Set(aliases).size).toBe(aliases.length);
    expect(aliases.filter((alias) => alias in METRICS)).toEqual([]);
    expect(aliases.filter((alias) => canonicalMetric(alias) === alias)).toEqual([]);
  });

  test("lists every alias at its metric, so that canonical names are stable", () => {
    expect(Object.values(METRICS).flatMap((metric) => metric.aliases)).toHaveLength(Object.keys(METRIC_ALIASES).length);
    for (const alias of Object.keys(METRIC_ALIASES)) {
      expect(METRICS[canonicalMetric(alias)]?.aliases).toContain(alias);
      expect(canonicalMetric(canonicalMetric(alias))).toBe(canonicalMetric(alias));
    }
  });

  test("has no field twice", () => {
    const fields = Object.values(METRICS).flatMap(({ field }) => field ?? []);
    expect(new Set(fields).size).toBe(fields.length);
  });

  test.each([
    ["DCGM_FI_DEV_BOARD_POWER_WATTS", "DCGM_FI_DEV_POWER_USAGE"],
    ["DCGM_FI_DEV_ROW_REMAP_FAILED", "DCGM_FI_DEV_ROW_REMAP_FAILURE"],
    ["DCGM_FI_PROF_DRAM_UTIL_RATIO", "DCGM_FI_PROF_DRAM_ACTIVE"],
    ["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "DCGM_FI_DEV_CLOCKS_EVENT_REASONS"],
    ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_GPU_UTIL"],
    ["dcgm_gpu_utilization", "DCGM_FI_DEV_GPU_UTIL"],
    ["dcgm_fi_prof_gr_engine_active", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"],
    ["dcgm_fi_dev_gpu_util", "dcgm_fi_dev_gpu_util"],
    ["SOME_METRIC", "SOME_METRIC"],
    ["constructor", "constructor"],
  ])("knows %s as %s", (name, canonical) => {
    expect(canonicalMetric(name)).toBe(canonical);
  });
});

describe("seriesLabels() and seriesOf()", () => {
  test("write the labels sorted by name, without empty ones", () => {
    const labels = new Map([
      ["xid", "48"],
      ["GPU_I_ID", "3"],
      ["nvlink", ""],
    ]);
    expect(seriesOf("M", seriesLabels(labels))).toBe('M{GPU_I_ID="3",xid="48"}' as Series);
    expect(seriesOf("M", seriesLabels([["xid", ""]]))).toBe("M" as Series);
  });

  test("escape values like Prometheus", () => {
    expect(seriesOf("M", seriesLabels([["vgpu", 'a"b\\c\nd']]))).toBe('M{vgpu="a\\"b\\\\c\\nd"}' as Series);
  });

  test("are reversed by metricOf()", () => {
    expect(metricOf(seriesOf("M", seriesLabels([["xid", "1"]])))).toBe("M");
    expect(metricOf("M" as Series)).toBe("M");
    expect(metricOf('dcgm_gpu_temp{vgpu="1"}' as Series)).toBe("DCGM_FI_DEV_GPU_TEMP");
  });
});
