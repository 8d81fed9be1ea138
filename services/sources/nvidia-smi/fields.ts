/**
 * The fields of `nvidia-smi --query-gpu` (`nvidia-smi --help-query-gpu`) and DCGM's metrics: the one table that maps
 * them.
 */
import { METRICS } from "../../../schema/model/metric.ts";

const of = (name: string): string => `DCGM_FI_DEV_${name}`;

/** By the field's name without its unit. Older and newer names of a field have a row each. */
export const FIELD_METRICS: Readonly<Record<string, string>> = {
  "utilization.gpu": of("GPU_UTIL"),
  "utilization.memory": of("MEM_COPY_UTIL"),
  "utilization.encoder": of("ENC_UTIL"),
  "utilization.decoder": of("DEC_UTIL"),
  "memory.total": of("FB_TOTAL"),
  "memory.used": of("FB_USED"),
  "memory.free": of("FB_FREE"),
  "memory.reserved": of("FB_RESERVED"),
  "temperature.gpu": of("GPU_TEMP"),
  "temperature.memory": of("MEMORY_TEMP"),
  "temperature.gpu.tlimit": of("GPU_TEMP_LIMIT"),
  "power.draw": of("POWER_USAGE"),
  "power.limit": of("POWER_MGMT_LIMIT"),
  "enforced.power.limit": of("ENFORCED_POWER_LIMIT"),
  "clocks.current.sm": of("SM_CLOCK"),
  "clocks.sm": of("SM_CLOCK"),
  "clocks.current.memory": of("MEM_CLOCK"),
  "clocks.mem": of("MEM_CLOCK"),
  "clocks_event_reasons.active": of("CLOCKS_EVENT_REASONS"),
  "clocks_throttle_reasons.active": of("CLOCKS_EVENT_REASONS"),
  pstate: of("PSTATE"),
  "fan.speed": of("FAN_SPEED"),
  "ecc.errors.corrected.volatile.total": of("ECC_SBE_VOL_TOTAL"),
  "ecc.errors.uncorrected.volatile.total": of("ECC_DBE_VOL_TOTAL"),
  "ecc.errors.corrected.aggregate.total": of("ECC_SBE_AGG_TOTAL"),
  "ecc.errors.uncorrected.aggregate.total": of("ECC_DBE_AGG_TOTAL"),
  "retired_pages.sbe": of("RETIRED_SBE"),
  "retired_pages.single_bit_ecc.count": of("RETIRED_SBE"),
  "retired_pages.dbe": of("RETIRED_DBE"),
  "retired_pages.double_bit.count": of("RETIRED_DBE"),
  "remapped_rows.correctable": of("CORRECTABLE_REMAPPED_ROWS"),
  "remapped_rows.uncorrectable": of("UNCORRECTABLE_REMAPPED_ROWS"),
  "remapped_rows.pending": of("ROW_REMAP_PENDING"),
  "remapped_rows.failure": of("ROW_REMAP_FAILURE"),
};

/** Fields that name or describe the GPU, and the labels that they become. */
export const FIELD_LABELS: Readonly<Record<string, string>> = {
  uuid: "UUID",
  gpu_uuid: "UUID",
  index: "gpu",
  name: "modelName",
  gpu_name: "modelName",
  driver_version: "DCGM_FI_DRIVER_VERSION",
  "pci.bus_id": "pci_bus_id",
  gpu_bus_id: "pci_bus_id",
};

/** What a value of the unit is multiplied by to be in the unit of the catalogue. */
const FACTORS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "%": { "%": 1 },
  MiB: { MiB: 1, KiB: 1 / 1024, GiB: 1024, B: 1 / 1_048_576 },
  W: { W: 1, mW: 0.001, kW: 1000 },
  MHz: { MHz: 1, GHz: 1000 },
};

/** Returns undefined for a unit that the metric cannot have. No unit: that of the catalogue. */
export function factorOf(metric: string, unit: string): number | undefined {
  return unit === "" ? 1 : FACTORS[METRICS[metric]?.unit ?? ""]?.[unit];
}
