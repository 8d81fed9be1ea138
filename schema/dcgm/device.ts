/** Decides which GPU and MIG instance a row is about. */
import { type GpuUuid, parseGpuUuid } from "../model/gpu.ts";
import { isCatalogued } from "../model/metric.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { shown } from "../model/shown.ts";
import type { RowLabels } from "./row-labels.ts";

export interface RowDevice {
  readonly uuid: GpuUuid;
  /** `GPU_I_ID` of the MIG instance; undefined: the row is about the card. */
  readonly instance: string | undefined;
}

export interface DeviceFault {
  /** `other_device`: the row is about a CPU, an NVSwitch or another device; nothing is wrong with it. */
  readonly reason: "uuid" | "other_device";
  readonly detail: string;
}

const UUID_LABELS = ["uuid", "UUID", "gpu_uuid", "gpuuuid"] as const;
const INDEX_LABELS = ["gpu_id", "gpu"] as const;
/** Labels of a CPU or its core. */
const CPU_LABELS = ["cpu", "cpucore"] as const;
const KNOWN: ReadonlySet<string> = new Set([...UUID_LABELS, ...INDEX_LABELS, ...CPU_LABELS, "GPU_I_ID"]);

/** The uuid of the GPU, and the ids of the MIG instance and its compute instance. */
const OLD_MIG_UUID = /^MIG-(GPU-[^/]*)\/(\d{1,3})\/\d{1,3}$/i;

/** Characters that no id has, but names of clusters may, such as `arn:aws:eks:eu-west-1:1:cluster/prod`. */
const NOT_IN_ID = /[\s/]/g;

const OTHER_DEVICE = /^DCGM_FI_DEV_(?:CPU|NVSWITCH)_/;

/** True for metrics that dcgm-exporter prints for Grace CPUs and their cores, and for NVSwitches and their links. */
export const isOfOtherDevice = (metric: string): boolean => OTHER_DEVICE.test(metric);

function parseRowUuid(text: string): Result<RowDevice, DeviceFault> {
  const [, parent, instance] = OLD_MIG_UUID.exec(text) ?? [];
  const uuid = parseGpuUuid(parent ?? text);
  return uuid.ok ? ok({ uuid: uuid.value, instance }) : fail({ reason: "uuid", detail: uuid.error });
}

/** Returns the uuids of the row, that of the first label first. */
function uuidsOf(labels: RowLabels): string[] {
  const first = labels.first("device", ...UUID_LABELS);
  const others = labels.of("device").filter(([name]) => name.toLowerCase().includes("uuid") || !KNOWN.has(name));
  return [...(first === undefined ? [] : [first]), ...others.map(([, value]) => value)];
}

/**
 * Returns the GPU and the MIG instance that a row is about.
 * - A uuid counts even if host and index contradict it; a malformed one is a fault, without a fallback.
 * - Without a uuid, a known host and index name the GPU, with the cluster where that label exists.
 * - A bare MIG uuid is a GPU of its own, unless another label has the uuid of its GPU.
 * - A GPU that a row names depends on the metric only in `isOfOtherDevice()`.
 * @param metric canonical name
 * @param host undefined if it is unknown
 */
export function deviceOfRow(
  labels: RowLabels,
  metric: string,
  host: string | undefined,
): Result<RowDevice, DeviceFault> {
  const [first, ...others] = uuidsOf(labels);
  const instance = labels.first("device", "GPU_I_ID");
  if (first !== undefined) {
    const device = parseRowUuid(first);
    if (!device.ok) return device;
    const parent = device.value.uuid.startsWith("MIG-") ? others.map(parseRowUuid).find(isCard) : undefined;
    const { uuid } = parent?.value ?? device.value;
    return ok({ uuid, instance: instance ?? device.value.instance });
  }
  const index = labels.first("device", ...INDEX_LABELS);
  if (isOfOtherDevice(metric) || labels.first("device", ...CPU_LABELS) !== undefined) return otherDevice(metric);
  if (index === undefined && (!isCatalogued(metric) || labels.first("series", "nvlink", "nvswitch") !== undefined)) {
    return otherDevice(metric);
  }
  if (host !== undefined && index !== undefined) {
    const cluster = labels.first("fact", "cluster");
    const place = (cluster === undefined ? host : `${cluster}:${host}`).replaceAll(NOT_IN_ID, "_");
    const id = parseGpuUuid(`HOST-${place}-${index}`);
    if (id.ok) return ok({ uuid: id.value, instance });
  }
  const got = `host ${shown(host ?? "")} and index ${shown(index ?? "")}`;
  return fail({ reason: "uuid", detail: `uuid must be given, or a host and an index, got no uuid, ${got}` });
}

const isCard = (device: Result<RowDevice, DeviceFault>): device is { ok: true; value: RowDevice } =>
  device.ok && device.value.uuid.startsWith("GPU-");

const otherDevice = (metric: string): Result<never, DeviceFault> =>
  fail({ reason: "other_device", detail: `row must be about a GPU, got ${metric} of another device` });
