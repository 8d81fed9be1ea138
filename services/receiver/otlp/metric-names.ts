/**
 * The table of OTLP's names: which metric of DCGM they are, and by what their values are multiplied. Names of DCGM,
 * which the Collector's prometheus receiver passes on, are not in it. Sources: the Collector's dcgm receiver, as the
 * Ops Agent has it (`gpu.dcgm.…`), and the semantic conventions for hardware (`hw.…`).
 */
import type { Attributes } from "./points.ts";

interface Meaning {
  readonly metric: string;
  readonly factor: number;
}

const PERCENT = 100;
const MIB_PER_BYTE = 1 / (1024 * 1024);
const MJ_PER_J = 1000;
const MHZ_PER_HZ = 1e-6;
const NS_PER_S = 1e9;

interface Row {
  readonly factor: number;
  /** The attribute that chooses the metric. */
  readonly by?: string;
  /** DCGM's field by the attribute's value; `""` without the attribute. */
  readonly metrics: Readonly<Record<string, string>>;
}

const one = (metric: string, factor = 1): Row => ({ factor, metrics: { "": metric } });
/** Conventions that measure all hardware: only what says that it is a GPU. */
const ofGpu = (metric: string, factor = 1): Row => ({ factor, by: "hw.type", metrics: { gpu: metric } });

const ROWS: ReadonlyMap<string, Row> = new Map([
  ["gpu.dcgm.utilization", one("DCGM_FI_DEV_GPU_UTIL", PERCENT)],
  ["gpu.dcgm.codec.encoder.utilization", one("DCGM_FI_DEV_ENC_UTIL", PERCENT)],
  ["gpu.dcgm.codec.decoder.utilization", one("DCGM_FI_DEV_DEC_UTIL", PERCENT)],
  ["gpu.dcgm.sm.utilization", one("DCGM_FI_PROF_SM_ACTIVE")],
  ["gpu.dcgm.sm.occupancy", one("DCGM_FI_PROF_SM_OCCUPANCY")],
  [
    "gpu.dcgm.pipe.utilization",
    {
      factor: 1,
      by: "gpu.pipe",
      metrics: {
        tensor: "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        fp64: "DCGM_FI_PROF_PIPE_FP64_ACTIVE",
        fp32: "DCGM_FI_PROF_PIPE_FP32_ACTIVE",
        fp16: "DCGM_FI_PROF_PIPE_FP16_ACTIVE",
      },
    },
  ],
  ["gpu.dcgm.memory.bandwidth_utilization", one("DCGM_FI_PROF_DRAM_ACTIVE")],
  [
    "gpu.dcgm.memory.bytes_used",
    {
      factor: MIB_PER_BYTE,
      by: "gpu.memory.state",
      metrics: { used: "DCGM_FI_DEV_FB_USED", free: "DCGM_FI_DEV_FB_FREE", reserved: "DCGM_FI_DEV_FB_RESERVED" },
    },
  ],
  ["gpu.dcgm.energy_consumption", one("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", MJ_PER_J)],
  ["gpu.dcgm.temperature", one("DCGM_FI_DEV_GPU_TEMP")],
  ["gpu.dcgm.clock.frequency", one("DCGM_FI_DEV_SM_CLOCK", MHZ_PER_HZ)],
  [
    "gpu.dcgm.clock.throttle_duration.time",
    {
      factor: NS_PER_S,
      by: "gpu.clock.violation",
      metrics: {
        power: "DCGM_FI_DEV_POWER_VIOLATION",
        thermal: "DCGM_FI_DEV_THERMAL_VIOLATION",
        sync_boost: "DCGM_FI_DEV_SYNC_BOOST_VIOLATION",
        board_limit: "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION",
        low_util: "DCGM_FI_DEV_LOW_UTIL_VIOLATION",
        reliability: "DCGM_FI_DEV_RELIABILITY_VIOLATION",
      },
    },
  ],
  [
    "gpu.dcgm.ecc_errors",
    {
      factor: 1,
      by: "gpu.error.type",
      metrics: { sbe: "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", dbe: "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL" },
    },
  ],
  [
    "hw.gpu.utilization",
    {
      factor: PERCENT,
      by: "hw.gpu.task",
      metrics: {
        "": "DCGM_FI_DEV_GPU_UTIL",
        general: "DCGM_FI_DEV_GPU_UTIL",
        encoder: "DCGM_FI_DEV_ENC_UTIL",
        decoder: "DCGM_FI_DEV_DEC_UTIL",
      },
    },
  ],
  ["hw.gpu.memory.usage", one("DCGM_FI_DEV_FB_USED", MIB_PER_BYTE)],
  ["hw.gpu.memory.limit", one("DCGM_FI_DEV_FB_TOTAL", MIB_PER_BYTE)],
  ["hw.gpu.memory.utilization", one("DCGM_FI_DEV_FB_USED_PERCENT")],
  ["hw.temperature", ofGpu("DCGM_FI_DEV_GPU_TEMP")],
  ["hw.power", ofGpu("DCGM_FI_DEV_POWER_USAGE")],
  ["hw.energy", ofGpu("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", MJ_PER_J)],
]);

/** Returns the metric of a name, and the factor of its values. A name that the table lacks is its own metric. */
export function meaningOf(name: string, attributes: Attributes): Meaning {
  const row = ROWS.get(name);
  if (row === undefined) return { metric: name, factor: 1 };
  const { factor, by, metrics } = row;
  const value = by === undefined ? "" : (attributes.get(by) ?? "");
  // A value that the table does not have leaves the name as it is: it is no metric of DCGM.
  const metric = Object.hasOwn(metrics, value) ? metrics[value] : undefined;
  return metric === undefined ? { metric: name, factor: 1 } : { metric, factor };
}
