/** The catalogue of known DCGM metrics: field, unit, kind, description and aliases. */
import { METRIC_ALIASES } from "./metric-aliases.ts";

export interface MetricInfo {
  /** DCGM field id (NVIDIA/DCGM 4.6.0, `dcgm_fields.h`); null for the exporter's own metrics. */
  readonly field: number | null;
  /** "%", "ratio", "MiB", "C", "W", "mJ", "MHz", "B/s", "ns", or "1" for a bare number. */
  readonly unit: string;
  readonly kind: "gauge" | "counter" | "code" | "bitmask";
  readonly description: string;
  /** Other names of the same field, of DCGM 4.6 and of dcgm-exporter 1.x. Not complete. */
  readonly aliases: readonly string[];
}

type Row = readonly [name: string, field: number | null, unit: string, kind: MetricInfo["kind"], description: string];

const ROWS: readonly Row[] = [
  [
    "DCGM_FI_DEV_GPU_UTIL",
    203,
    "%",
    "gauge",
    "Share of the sample period in which at least one kernel ran; not how full the GPU is.",
  ],
  [
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    1001,
    "ratio",
    "gauge",
    "Time the graphics or compute engine is active; replaces GPU_UTIL on MIG instances.",
  ],
  [
    "DCGM_FI_PROF_SM_ACTIVE",
    1002,
    "ratio",
    "gauge",
    "Cycles in which a streaming multiprocessor has at least one warp.",
  ],
  ["DCGM_FI_PROF_SM_OCCUPANCY", 1003, "ratio", "gauge", "Resident warps as a share of the maximum."],
  ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 1004, "ratio", "gauge", "Cycles in which the tensor pipe is active."],
  ["DCGM_FI_PROF_DRAM_ACTIVE", 1005, "ratio", "gauge", "Cycles in which the memory interface is active."],
  ["DCGM_FI_DEV_MEM_COPY_UTIL", 204, "%", "gauge", "Memory bandwidth utilisation."],
  ["DCGM_FI_DEV_ENC_UTIL", 206, "%", "gauge", "Encoder utilisation."],
  ["DCGM_FI_DEV_DEC_UTIL", 207, "%", "gauge", "Decoder utilisation."],
  ["DCGM_FI_DEV_FB_TOTAL", 250, "MiB", "gauge", "Framebuffer memory in total."],
  ["DCGM_FI_DEV_FB_FREE", 251, "MiB", "gauge", "Framebuffer memory that is free."],
  ["DCGM_FI_DEV_FB_USED", 252, "MiB", "gauge", "Framebuffer memory in use."],
  ["DCGM_FI_DEV_FB_RESERVED", 253, "MiB", "gauge", "Framebuffer memory kept by the driver."],
  [
    "DCGM_FI_DEV_FB_USED_PERCENT",
    254,
    "ratio",
    "gauge",
    "Framebuffer memory in use as a share of the unreserved memory.",
  ],
  ["DCGM_FI_DEV_GPU_TEMP", 150, "C", "gauge", "Core temperature."],
  ["DCGM_FI_DEV_MEMORY_TEMP", 140, "C", "gauge", "Memory temperature; many cards do not support it."],
  ["DCGM_FI_DEV_MEM_MAX_OP_TEMP", 151, "C", "gauge", "Highest operating temperature of the memory."],
  ["DCGM_FI_DEV_GPU_MAX_OP_TEMP", 152, "C", "gauge", "Highest operating temperature of the GPU."],
  ["DCGM_FI_DEV_GPU_TEMP_LIMIT", 153, "C", "gauge", "Margin: degrees to the nearest slowdown threshold."],
  ["DCGM_FI_DEV_SLOWDOWN_TEMP", 158, "C", "gauge", "Temperature at which the card slows down."],
  ["DCGM_FI_DEV_SHUTDOWN_TEMP", 159, "C", "gauge", "Temperature at which the card shuts down."],
  ["DCGM_FI_DEV_POWER_USAGE", 155, "W", "gauge", "Board power."],
  [
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
    156,
    "mJ",
    "counter",
    "Energy since the driver was last loaded; loading it again resets the counter.",
  ],
  ["DCGM_FI_DEV_POWER_MGMT_LIMIT", 160, "W", "gauge", "Power limit as set."],
  ["DCGM_FI_DEV_ENFORCED_POWER_LIMIT", 164, "W", "gauge", "Power limit as enforced."],
  ["DCGM_FI_DEV_SM_CLOCK", 100, "MHz", "gauge", "Clock of the streaming multiprocessors."],
  ["DCGM_FI_DEV_MEM_CLOCK", 101, "MHz", "gauge", "Memory clock."],
  [
    "DCGM_FI_DEV_CLOCKS_EVENT_REASONS",
    112,
    "1",
    "bitmask",
    "Why the clocks are lower: 0x1 idle, 0x2 application clocks, 0x4 software power cap, 0x8 hardware slowdown, 0x10 sync boost, 0x20 software thermal, 0x40 hardware thermal, 0x80 hardware power brake, 0x100 display.",
  ],
  ["DCGM_FI_DEV_PSTATE", 190, "1", "code", "Performance state, 0 to 15; 0 is the fastest."],
  ["DCGM_FI_DEV_FAN_SPEED", 191, "%", "gauge", "Fan speed; passive cards have none."],
  ["DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 202, "1", "counter", "PCIe retries."],
  ["DCGM_FI_DEV_XID_ERRORS", 230, "1", "code", "The last XID error; it stays until the next one."],
  ["DCGM_FI_DEV_POWER_VIOLATION", 240, "ns", "counter", "Time throttled by the power limit."],
  ["DCGM_FI_DEV_THERMAL_VIOLATION", 241, "ns", "counter", "Time throttled by temperature."],
  ["DCGM_FI_DEV_SYNC_BOOST_VIOLATION", 242, "ns", "counter", "Time throttled by sync boost."],
  ["DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", 243, "ns", "counter", "Time throttled by the board limit."],
  ["DCGM_FI_DEV_LOW_UTIL_VIOLATION", 244, "ns", "counter", "Time throttled by low utilisation."],
  ["DCGM_FI_DEV_RELIABILITY_VIOLATION", 245, "ns", "counter", "Time throttled by the reliability limit."],
  ["DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", 310, "1", "counter", "Single-bit errors since the driver was loaded."],
  ["DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", 311, "1", "counter", "Double-bit errors since the driver was loaded."],
  ["DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", 312, "1", "counter", "Single-bit errors in the card's life."],
  ["DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", 313, "1", "counter", "Double-bit errors in the card's life."],
  ["DCGM_FI_DEV_RETIRED_SBE", 390, "1", "counter", "Pages retired for single-bit errors."],
  ["DCGM_FI_DEV_RETIRED_DBE", 391, "1", "counter", "Pages retired for double-bit errors."],
  ["DCGM_FI_DEV_RETIRED_PENDING", 392, "1", "gauge", "1 while a page waits to be retired."],
  ["DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", 393, "1", "counter", "Memory rows remapped for uncorrectable errors."],
  ["DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", 394, "1", "counter", "Memory rows remapped for correctable errors."],
  ["DCGM_FI_DEV_ROW_REMAP_FAILURE", 395, "1", "gauge", "1 when a row could not be remapped."],
  ["DCGM_FI_DEV_ROW_REMAP_PENDING", 396, "1", "gauge", "1 while a remap waits for a reset."],
  [
    "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
    409,
    "1",
    "counter",
    "NVLink flow-control CRC errors of all links.",
  ],
  ["DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", 419, "1", "counter", "NVLink data CRC errors of all links."],
  ["DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", 429, "1", "counter", "NVLink replays of all links."],
  ["DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", 439, "1", "counter", "NVLink recoveries of all links."],
  [
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
    449,
    "1",
    "counter",
    "NVLink bandwidth counters of all lanes; DCGM states no unit.",
  ],
  ["DCGM_FI_DEV_VGPU_LICENSE_STATUS", 526, "1", "gauge", "1 while a vGPU licence is held."],
  [
    "DCGM_FI_PROF_PCIE_TX_BYTES",
    1009,
    "B/s",
    "gauge",
    "PCIe traffic that the GPU sends; a rate, whatever its name says.",
  ],
  [
    "DCGM_FI_PROF_PCIE_RX_BYTES",
    1010,
    "B/s",
    "gauge",
    "PCIe traffic that the GPU receives; a rate, whatever its name says.",
  ],
  ["DCGM_FI_PROF_NVLINK_TX_BYTES", 1011, "B/s", "gauge", "NVLink traffic that the GPU sends over all links; a rate."],
  [
    "DCGM_FI_PROF_NVLINK_RX_BYTES",
    1012,
    "B/s",
    "gauge",
    "NVLink traffic that the GPU receives over all links; a rate.",
  ],
  [
    "DCGM_EXP_XID_ERRORS_COUNT",
    null,
    "1",
    "gauge",
    "XID errors of one code within the exporter's window, 5 minutes by default.",
  ],
  [
    "DCGM_EXP_CLOCK_EVENTS_COUNT",
    null,
    "1",
    "gauge",
    "Clock events of one kind within the exporter's window, 5 minutes by default.",
  ],
  [
    "DCGM_EXP_GPU_HEALTH_STATUS",
    null,
    "1",
    "code",
    "Result of one of DCGM's health watches: 0 healthy, 10 warning, 20 failure.",
  ],
  ["DCGM_EXP_P2P_STATUS", null, "1", "code", "Whether NVLink connects the GPU with a peer: 0 yes, others why not."],
];

const CANONICAL: ReadonlyMap<string, string> = new Map(Object.entries(METRIC_ALIASES));
const ALIASES = Map.groupBy(CANONICAL.keys(), (alias) => CANONICAL.get(alias));

export const METRICS: Readonly<Record<string, MetricInfo>> = Object.fromEntries(
  ROWS.map(([name, field, unit, kind, description]) => [
    name,
    { field, unit, kind, description, aliases: ALIASES.get(name) ?? [] },
  ]),
);

/** Returns the canonical name of a known name or alias. An unknown name is its own canonical name. */
export const canonicalMetric = (name: string): string => CANONICAL.get(name) ?? name;

/** @param metric a canonical name */
export const isCatalogued = (metric: string): boolean => Object.hasOwn(METRICS, metric);

/**
 * True for metrics that are measured once per GPU or MIG instance, however many holders it has: those of the catalogue
 * and all fields of DCGM. Others may be measured once per holder.
 * @param metric a canonical name
 */
export const isDeviceMetric = (metric: string): boolean => metric.startsWith("DCGM_FI_") || isCatalogued(metric);
