import { describe, expect, test } from "bun:test";
import { canonicalMetric, METRICS } from "../../../schema/model/metric.ts";
import { METRIC_ALIASES } from "../../../schema/model/metric-aliases.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { metricOf, seriesOf } from "../../../schema/model/series.ts";

describe("metric catalogue", () => {
  test("has one canonical name for each alias, which is no other metric's name", () => {
    const aliases = Object.values(METRICS).flatMap((metric) => metric.aliases);
    expect(new Set(aliases).size).toBe(aliases.length);
    expect(aliases.filter((alias) => alias in METRICS)).toEqual([]);
    expect(aliases.filter((alias) => canonicalMetric(alias) === alias)).toEqual([]);
  });

  test("has every alias at its metric, so that a canonical name stays what it is", () => {
    expect(Object.values(METRICS).flatMap((metric) => metric.aliases)).toHaveLength(Object.keys(METRIC_ALIASES).length);
    for (const alias of Object.keys(METRIC_ALIASES)) {
      expect(METRICS[canonicalMetric(alias)]?.aliases).toContain(alias);
      expect(canonicalMetric(canonicalMetric(alias))).toBe(canonicalMetric(alias));
    }
  });

  test("has each field once", () => {
    const fields = Object.values(METRICS).flatMap(({ field }) => field ?? []);
    expect(new Set(fields).size).toBe(fields.length);
  });

  test.each([
    ["DCGM_FI_DEV_BOARD_POWER_WATTS", "DCGM_FI_DEV_POWER_USAGE"],
    ["DCGM_FI_DEV_ROW_REMAP_FAILED", "DCGM_FI_DEV_ROW_REMAP_FAILURE"],
    ["DCGM_FI_PROF_DRAM_UTIL_RATIO", "DCGM_FI_PROF_DRAM_ACTIVE"],
    ["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "DCGM_FI_DEV_CLOCKS_EVENT_REASONS"],
    ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_GPU_UTIL"],
    ["SOME_METRIC", "SOME_METRIC"],
    ["constructor", "constructor"],
  ])("knows %s as %s", (name, canonical) => {
    expect(canonicalMetric(name)).toBe(canonical);
  });
});

describe("seriesOf()", () => {
  test("keeps the labels that tell readings of one GPU apart, sorted, and no other", () => {
    const labels = new Map([
      ["xid", "48"],
      ["GPU_I_ID", "3"],
      ["GPU_I_PROFILE", "1g.10gb"],
      ["pod", "train-1"],
      ["nvlink", ""],
    ]);
    expect(seriesOf("M", labels)).toBe('M{GPU_I_ID="3",xid="48"}' as Series);
    expect(seriesOf("M", new Map([["pod", "train-1"]]))).toBe("M" as Series);
  });

  test("escapes values as Prometheus does", () => {
    expect(seriesOf("M", new Map([["vgpu", 'a"b\\c\nd']]))).toBe('M{vgpu="a\\"b\\\\c\\nd"}' as Series);
  });

  test("is undone by metricOf()", () => {
    expect(metricOf(seriesOf("M", new Map([["xid", "1"]])))).toBe("M");
    expect(metricOf("M" as Series)).toBe("M");
  });
});
