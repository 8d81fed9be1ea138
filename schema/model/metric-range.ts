/** The values that a metric of the catalogue can have. A value outside its range is a defect of the source. */
import { METRICS } from "./metric.ts";

/** Both ends are included. */
interface ValueRange {
  readonly min: number;
  readonly max: number;
}

const ANY: ValueRange = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
/** Counts and sums only grow, so no finite bound would hold for long. */
const COUNT: ValueRange = { min: 0, max: Number.POSITIVE_INFINITY };

/** The unit of `nvmlUtilization_t`, and of encoder and decoder: percent of the sample period (nvml.h). */
const PERCENT: ValueRange = { min: 0, max: 100 };
/**
 * dcgm_fields.h: ratios of cycles or time, 0 to 1. On a MIG instance a little more is seen, because its share is worked
 * out from slices: a card has 7 compute and 8 memory slices, and 8/7 is 1.14. 1.25 adds the error of sampling.
 */
const RATIO: ValueRange = { min: 0, max: 1.25 };
/** dcgm_fields.h: 1 = yes, 0 = no; in nvml.h a boolean. */
const FLAG: ValueRange = { min: 0, max: 1 };
/** Cards have up to 288 GiB; 16 TiB is 58 times that, and far below an unsigned -1 (4,294,967,295). */
const MEMORY: ValueRange = { min: 0, max: 16 * 1024 * 1024 };
/** Cards shut down near 100 °C, HBM near 110 °C, and silicon fails by 150 °C; outdoor modules start at -40 °C. */
const TEMPERATURE: ValueRange = { min: -50, max: 150 };
/** Distance to a slowdown threshold: negative beyond it. Both temperatures have the range above. */
const TEMPERATURE_MARGIN: ValueRange = { min: -200, max: 200 };
/** GB300 draws 1,400 W, and a module of two with its CPU 2,800 W; rack parts of 3,600 W are announced. */
const POWER: ValueRange = { min: 0, max: 20_000 };

const RANGES: ReadonlyMap<string, ValueRange> = new Map<string, ValueRange>([
  ["DCGM_FI_DEV_GPU_UTIL", PERCENT],
  ["DCGM_FI_DEV_MEM_COPY_UTIL", PERCENT],
  ["DCGM_FI_DEV_ENC_UTIL", PERCENT],
  ["DCGM_FI_DEV_DEC_UTIL", PERCENT],
  ["DCGM_FI_PROF_GR_ENGINE_ACTIVE", RATIO],
  ["DCGM_FI_PROF_SM_ACTIVE", RATIO],
  ["DCGM_FI_PROF_SM_OCCUPANCY", RATIO],
  ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", RATIO],
  ["DCGM_FI_PROF_DRAM_ACTIVE", RATIO],
  // dcgm_fields.h: Used/(Total - Reserved), 0.0 to 1.0. Older drivers count reserved memory as used, so 1 is passed.
  ["DCGM_FI_DEV_FB_USED_PERCENT", RATIO],
  ["DCGM_FI_DEV_FB_TOTAL", MEMORY],
  ["DCGM_FI_DEV_FB_FREE", MEMORY],
  ["DCGM_FI_DEV_FB_USED", MEMORY],
  ["DCGM_FI_DEV_FB_RESERVED", MEMORY],
  ["DCGM_FI_DEV_GPU_TEMP", TEMPERATURE],
  ["DCGM_FI_DEV_MEMORY_TEMP", TEMPERATURE],
  ["DCGM_FI_DEV_MEM_MAX_OP_TEMP", TEMPERATURE],
  ["DCGM_FI_DEV_GPU_MAX_OP_TEMP", TEMPERATURE],
  ["DCGM_FI_DEV_SLOWDOWN_TEMP", TEMPERATURE],
  ["DCGM_FI_DEV_SHUTDOWN_TEMP", TEMPERATURE],
  ["DCGM_FI_DEV_GPU_TEMP_LIMIT", TEMPERATURE_MARGIN],
  ["DCGM_FI_DEV_POWER_USAGE", POWER],
  ["DCGM_FI_DEV_POWER_MGMT_LIMIT", POWER],
  ["DCGM_FI_DEV_ENFORCED_POWER_LIMIT", POWER],
  // The fastest cards boost to about 3,100 MHz.
  ["DCGM_FI_DEV_SM_CLOCK", { min: 0, max: 10_000 }],
  // GDDR7 is reported as up to 14,001 MHz.
  ["DCGM_FI_DEV_MEM_CLOCK", { min: 0, max: 50_000 }],
  // nvml.h: bits 0x1 to 0x100. 31 bits leave room for new ones, and refuse an unsigned -1.
  ["DCGM_FI_DEV_CLOCKS_EVENT_REASONS", { min: 0, max: 0x7fffffff }],
  // dcgm_fields.h: 0-15. nvml.h has 32 for "unknown performance state", which is no state.
  ["DCGM_FI_DEV_PSTATE", { min: 0, max: 15 }],
  // dcgm_fields.h: percent 0-100; nvml.h: a share of the noise-tuned speed that "may exceed 100% in certain cases".
  ["DCGM_FI_DEV_FAN_SPEED", { min: 0, max: 200 }],
  // Codes of NVIDIA's Xid catalogue are below 200; 0 is "none so far".
  ["DCGM_FI_DEV_XID_ERRORS", { min: 0, max: 65_535 }],
  ["DCGM_FI_DEV_RETIRED_PENDING", FLAG],
  ["DCGM_FI_DEV_ROW_REMAP_FAILURE", FLAG],
  ["DCGM_FI_DEV_ROW_REMAP_PENDING", FLAG],
  ["DCGM_FI_DEV_VGPU_LICENSE_STATUS", FLAG],
  // 16 lanes of PCIe 7 carry 256 GB/s in one direction; each generation doubles that.
  ["DCGM_FI_PROF_PCIE_TX_BYTES", { min: 0, max: 1e13 }],
  ["DCGM_FI_PROF_PCIE_RX_BYTES", { min: 0, max: 1e13 }],
  // NVLink 5 carries 900 GB/s in one direction, NVLink 6 twice that.
  ["DCGM_FI_PROF_NVLINK_TX_BYTES", { min: 0, max: 1e14 }],
  ["DCGM_FI_PROF_NVLINK_RX_BYTES", { min: 0, max: 1e14 }],
  ["DCGM_EXP_XID_ERRORS_COUNT", COUNT],
  ["DCGM_EXP_CLOCK_EVENTS_COUNT", COUNT],
  // dcgm_structs.h: 0 pass, 10 warning, 20 failure; states of a link to a peer, 0 to 6. More may come.
  ["DCGM_EXP_GPU_HEALTH_STATUS", { min: 0, max: 65_535 }],
  ["DCGM_EXP_P2P_STATUS", { min: 0, max: 65_535 }],
]);

export interface MetricRange extends ValueRange {
  /** Canonical name. */
  readonly metric: string;
}

/** A counter has no range of its own: it is not negative. */
const BY_METRIC: ReadonlyMap<string, MetricRange> = new Map(
  Object.entries(METRICS).map(([metric, { kind }]) => {
    const { min, max } = RANGES.get(metric) ?? (kind === "counter" ? COUNT : ANY);
    return [metric, { metric, min, max }];
  }),
);

/** Returns the range of a canonical name. Metrics outside the catalogue may have any value. */
export const rangeOf = (metric: string): MetricRange => BY_METRIC.get(metric) ?? { metric, ...ANY };

/** Returns the error message for a value outside the range. */
export function describeImplausible({ metric, min, max }: MetricRange, value: number): string {
  const accepted = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `from ${min} to ${max}`;
  return `value of ${metric} must be ${accepted}, got ${value}`;
}
