/** Lists the metrics of the simulated exporter, in the order in which dcgm-exporter prints them: by field id. */

/**
 * For which devices an exporter prints a metric.
 *
 * - `device`: whole and sliced GPUs; neither cards in MIG mode nor instances
 * - `card`: every card; rows of a card in MIG mode name no holder
 * - `both`: every card as `card`, and each MIG instance with its holder and the card's value
 * - `memory`: whole and sliced GPUs, MIG instances
 * - `engine`: whole and sliced GPUs, MIG instances while they are held
 * - `xids`: whole and sliced GPUs, a row for each XID of the last five minutes, or one without the label `xid`
 */
export type Scope = "device" | "card" | "both" | "memory" | "engine" | "xids";

export interface MetricInfo {
  readonly name: MetricName;
  readonly type: "gauge" | "counter";
  /** Text of etc/default-counters.csv. */
  readonly help: string;
  readonly scope: Scope;
  /** The exporter formats doubles with six digits behind the point. */
  readonly double: boolean;
}

export const XID_WINDOW_MS = 300_000;

type MetricName =
  | "DCGM_FI_DEV_SM_CLOCK"
  | "DCGM_FI_DEV_GPU_TEMP"
  | "DCGM_FI_DEV_POWER_USAGE"
  | "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
  | "DCGM_FI_DEV_PCIE_REPLAY_COUNTER"
  | "DCGM_FI_DEV_GPU_UTIL"
  | "DCGM_FI_DEV_XID_ERRORS"
  | "DCGM_FI_DEV_FB_FREE"
  | "DCGM_FI_DEV_FB_USED"
  | "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
  | "DCGM_EXP_XID_ERRORS_COUNT";

const metric = (
  name: MetricName,
  type: MetricInfo["type"],
  help: string,
  scope: Scope,
  double = false,
): MetricInfo => ({ name, type, help, scope, double });

/** The comments are DCGM's field ids. */
export const METRICS: readonly MetricInfo[] = [
  metric("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).", "card"), // 100
  metric("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).", "card"), // 150
  metric("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).", "both", true), // 155
  metric("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ).", "card"), // 156
  metric("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries.", "card"), // 202
  metric("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).", "device"), // 203
  metric("DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered.", "card"), // 230
  metric("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB).", "memory"), // 251
  metric("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB).", "memory"), // 252
  metric("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active.", "engine", true), // 1001
  metric("DCGM_EXP_XID_ERRORS_COUNT", "counter", "reported XIDs during last window", "xids"), // 9001
];
