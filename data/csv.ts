/** Formats rows like a flattened Prometheus query of dcgm-exporter: every field quoted, labels sorted by name. */
import { DRIVER, type Gpu, MODEL } from "./fleet.ts";
import type { Tenant } from "./workload.ts";

export const HEADER =
  "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,container,pod,namespace,value,labels_raw\n";

const EXPORTER_JOB = "dcgm-exporter";

/** A metric, and how to read it from a card. */
export interface MetricColumn {
  readonly name: string;
  /** NaN if the GPU does not report the metric. */
  read(gpu: Gpu): number;
}

const wholeCard = (read: (gpu: Gpu) => number) => (gpu: Gpu) => (gpu.instance === null ? read(gpu) : Number.NaN);

/** The metrics, in the order of a tick's rows. MIG instances report no utilisation, only engine activity. */
export const METRIC_COLUMNS: readonly MetricColumn[] = [
  { name: "DCGM_FI_DEV_GPU_UTIL", read: wholeCard((gpu) => gpu.card.state.utilPercent) },
  { name: "DCGM_FI_DEV_MEM_COPY_UTIL", read: wholeCard((gpu) => gpu.card.state.copyPercent) },
  { name: "DCGM_FI_DEV_POWER_USAGE", read: (gpu) => gpu.card.state.powerW },
  { name: "DCGM_FI_DEV_GPU_TEMP", read: (gpu) => gpu.card.state.temperatureC },
  { name: "DCGM_FI_DEV_FB_USED", read: (gpu) => gpu.card.state.usedMiB },
  { name: "DCGM_FI_DEV_FB_FREE", read: (gpu) => gpu.card.state.freeMiB },
  { name: "DCGM_FI_DEV_DEC_UTIL", read: wholeCard((gpu) => gpu.card.state.decodePercent) },
  { name: "DCGM_FI_DEV_ENC_UTIL", read: wholeCard((gpu) => gpu.card.state.encodePercent) },
  { name: "DCGM_FI_DEV_SM_CLOCK", read: (gpu) => gpu.card.state.smClockMHz },
  { name: "DCGM_FI_DEV_MEM_CLOCK", read: (gpu) => gpu.card.state.memoryClockMHz },
  { name: "DCGM_FI_DEV_FB_RESERVED", read: (gpu) => gpu.card.state.reservedMiB },
  { name: "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", read: (gpu) => gpu.card.state.energyMJ },
  { name: "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", read: (gpu) => gpu.card.state.clockReasons },
  { name: "DCGM_FI_DEV_XID_ERRORS", read: (gpu) => gpu.card.state.xid },
  { name: "DCGM_FI_PROF_GR_ENGINE_ACTIVE", read: (gpu) => gpu.card.state.engineActive },
];

/** The parts of a GPU's rows that stay the same until its pod changes. */
export interface RowParts {
  readonly tenant: Tenant | null;
  /** Text between the metric's name and the value. */
  readonly identity: string;
  /** Text between the value and the metric's name in the labels. */
  readonly labelsBefore: string;
  /** Text after the metric's name in the labels, up to the end of the row. */
  readonly labelsAfter: string;
}

const label = (name: string, value: string) => `${name}=""${value}""`;

export function createRowParts(gpu: Gpu): RowParts {
  const { host, index, instance, uuid } = gpu;
  const { tenant } = gpu.workload;
  const device = `nvidia${index}`;
  const columns = [index, device, uuid, MODEL, host, tenant?.container, tenant?.pod, tenant?.namespace];
  const before = [
    label("DCGM_FI_DRIVER_VERSION", DRIVER),
    ...(instance === null ? [] : [label("GPU_I_ID", instance.id), label("GPU_I_PROFILE", instance.profile)]),
    label("Hostname", host),
    label("UUID", uuid),
  ];
  const after = [
    ...(tenant === null ? [] : [label("container", tenant.container)]),
    label("device", device),
    label("gpu", String(index)),
    label("instance", `${host}:9400`),
    label("job", EXPORTER_JOB),
    label("modelName", MODEL),
    ...(tenant === null ? [] : [label("namespace", tenant.namespace), label("pod", tenant.pod)]),
  ];
  return {
    tenant,
    identity: `","${columns.map((column) => column ?? "").join('","')}","`,
    labelsBefore: `","${before.join(",")},__name__=""`,
    labelsAfter: `"",${after.join(",")}"\n`,
  };
}
