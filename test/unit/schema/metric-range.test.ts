import { describe, expect, test } from "bun:test";
import { METRICS } from "../../../schema/model/metric.ts";
import { describeImplausible, rangeOf } from "../../../schema/model/metric-range.ts";

const accepts = (metric: string, value: number): boolean => {
  const { min, max } = rangeOf(metric);
  return value >= min && value <= max;
};

/** Unsigned 32-bit -1, -3, and others seen on idle cards: NVIDIA/DCGM#199, NVIDIA/dcgm-exporter#418. */
const DEFECTS = [4294967295, 4294967293, 808334905, -1e9];

describe("rangeOf()", () => {
  test("has a range for every metric of the catalogue", () => {
    expect(Object.keys(METRICS).filter((metric) => !Number.isFinite(rangeOf(metric).min))).toEqual([]);
  });

  test("bounds everything but counts, bits and traffic from above, below the values of defects", () => {
    for (const [metric, { kind, unit }] of Object.entries(METRICS)) {
      if (kind === "counter" || kind === "bitmask" || unit === "B/s" || metric.startsWith("DCGM_EXP_")) continue;
      expect([metric, DEFECTS.filter((value) => accepts(metric, value))]).toEqual([metric, []]);
    }
  });

  test("lets counters grow without bound, but not below 0", () => {
    for (const [metric, { kind }] of Object.entries(METRICS)) {
      if (kind !== "counter") continue;
      expect([metric, accepts(metric, 0), accepts(metric, 9e18), accepts(metric, -1)]).toEqual([
        metric,
        true,
        true,
        false,
      ]);
    }
  });

  test.each([
    ["DCGM_FI_DEV_GPU_UTIL", [0, 37.5, 100], [-1, 100.5, 2619]],
    ["DCGM_FI_DEV_MEM_COPY_UTIL", [0, 100], [-1, 101]],
    ["DCGM_FI_DEV_ENC_UTIL", [0, 100], [-1, 101]],
    ["DCGM_FI_DEV_DEC_UTIL", [0, 100], [-1, 101]],
    ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", [0, 1, 1.02, 8 / 7], [-0.01, 1.5, 97]],
    ["DCGM_FI_PROF_SM_ACTIVE", [0, 0.97, 1.02], [-0.01, 2]],
    ["DCGM_FI_PROF_SM_OCCUPANCY", [0, 1], [-0.01, 2]],
    ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", [0, 1], [-0.01, 2]],
    ["DCGM_FI_PROF_DRAM_ACTIVE", [0, 1], [-0.01, 2]],
    ["DCGM_FI_DEV_FB_USED_PERCENT", [0, 1], [-0.01, 2]],
    ["DCGM_FI_DEV_FB_TOTAL", [0, 294_912, 1_048_576], [-1, 2 ** 31]],
    ["DCGM_FI_DEV_FB_FREE", [0, 294_912], [-1, 2 ** 31]],
    ["DCGM_FI_DEV_FB_USED", [0, 294_912], [-1, 2 ** 31]],
    ["DCGM_FI_DEV_FB_RESERVED", [0, 294_912], [-1, 2 ** 31]],
    ["DCGM_FI_DEV_GPU_TEMP", [-40, 0, 41, 105], [-274, 255, 511]],
    ["DCGM_FI_DEV_MEMORY_TEMP", [0, 110], [-274, 255]],
    ["DCGM_FI_DEV_MEM_MAX_OP_TEMP", [95, 115], [255]],
    ["DCGM_FI_DEV_GPU_MAX_OP_TEMP", [87, 105], [255]],
    ["DCGM_FI_DEV_SLOWDOWN_TEMP", [90, 120], [255]],
    ["DCGM_FI_DEV_SHUTDOWN_TEMP", [92, 125], [255]],
    ["DCGM_FI_DEV_GPU_TEMP_LIMIT", [-12, 0, 60], [-274, 255]],
    ["DCGM_FI_DEV_POWER_USAGE", [0, 310.5, 2800, 8000], [-1, 65_535]],
    ["DCGM_FI_DEV_POWER_MGMT_LIMIT", [0, 2800], [-1, 65_535]],
    ["DCGM_FI_DEV_ENFORCED_POWER_LIMIT", [0, 2800], [-1, 65_535]],
    ["DCGM_FI_DEV_SM_CLOCK", [0, 3105], [-1, 65_535]],
    ["DCGM_FI_DEV_MEM_CLOCK", [0, 14_001], [-1, 65_535]],
    ["DCGM_FI_DEV_CLOCKS_EVENT_REASONS", [0, 0x1ff, 0x10000], [-1, 0xffffffff]],
    ["DCGM_FI_DEV_PSTATE", [0, 8, 15], [-1, 16, 32]],
    ["DCGM_FI_DEV_FAN_SPEED", [0, 100, 115], [-1, 255]],
    ["DCGM_FI_DEV_XID_ERRORS", [0, 79, 154], [-1, 2 ** 31]],
    ["DCGM_FI_DEV_RETIRED_PENDING", [0, 1], [-1, 2]],
    ["DCGM_FI_DEV_ROW_REMAP_FAILURE", [0, 1], [-1, 2]],
    ["DCGM_FI_DEV_ROW_REMAP_PENDING", [0, 1], [-1, 2]],
    ["DCGM_FI_DEV_VGPU_LICENSE_STATUS", [0, 1], [-1, 2]],
    ["DCGM_FI_PROF_PCIE_TX_BYTES", [0, 1.28e11], [-1, 1e15]],
    ["DCGM_FI_PROF_PCIE_RX_BYTES", [0, 1.28e11], [-1, 1e15]],
    ["DCGM_FI_PROF_NVLINK_TX_BYTES", [0, 1.8e12], [-1, 1e15]],
    ["DCGM_FI_PROF_NVLINK_RX_BYTES", [0, 1.8e12], [-1, 1e15]],
    ["DCGM_EXP_XID_ERRORS_COUNT", [0, 1e6], [-1]],
    ["DCGM_EXP_CLOCK_EVENTS_COUNT", [0, 1e6], [-1]],
    ["SOME_METRIC", [-1e308, 0, 1e308], []],
  ])("of %s holds %j and not %j", (metric, possible, impossible) => {
    expect([...possible, ...impossible].filter((value) => accepts(metric, value))).toEqual(possible);
  });
});

test("describeImplausible() names metric, range and value", () => {
  expect(describeImplausible(rangeOf("DCGM_FI_DEV_GPU_UTIL"), 2619)).toBe(
    "value of DCGM_FI_DEV_GPU_UTIL must be from 0 to 100, got 2619",
  );
  expect(describeImplausible(rangeOf("DCGM_FI_DEV_PCIE_REPLAY_COUNTER"), -1)).toBe(
    "value of DCGM_FI_DEV_PCIE_REPLAY_COUNTER must be at least 0, got -1",
  );
});
