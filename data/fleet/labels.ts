/** Gives a reading its labels: those that dcgm-exporter prints, in its order, and those that a scrape makes of them. */
import { uuidOf } from "./cards.ts";
import { isJob } from "./holder.ts";
import { XID_WINDOW_MS } from "./metrics.ts";
import type { Reading } from "./readings.ts";
import type { FleetState } from "./state.ts";
import { exporterPod, type Host } from "./topology.ts";

export type Exposed = readonly [name: string, value: string];
export type Labels = readonly Exposed[];

const DRIVER = "550.90.07";
const EXPORTER_NAMESPACE = "gpu-operator";
const EXPORTER = "nvidia-dcgm-exporter";

const XID_TEXTS: Readonly<Record<number, string>> = {
  0: "No Error",
  13: "Graphics Engine Exception",
  31: "GPU memory page fault",
  43: "GPU stopped processing",
  45: "Preemptive cleanup, due to previous errors -- Most likely to see when running multiple cuda",
  48: "Double Bit ECC Error",
  63: "ECC page retirement or row remapping recording event",
  79: "GPU has fallen off the bus",
  94: "Contained ECC error",
};

const NAMES = ["container", "namespace", "pod"] as const;
const OLD_NAMES = ["container_name", "pod_namespace", "pod_name"] as const;
const UUIDS = ["UUID", "uuid"] as const;

/** A host's exporter as Prometheus sees it. */
export interface Target {
  readonly host: Host;
  /** The exporter's pod. */
  readonly pod: string;
}

export function targetAt(state: FleetState, host: Host, atMs: number): Target {
  const lives = state.history.faults[host.number]!.exporters.filter((at) => at <= atMs).length;
  return { host, pod: exporterPod(state.options.seed, host.number, lives) };
}

/**
 * Returns labels in the order of dcgm-exporter's template: fixed ones, label-type fields, then the others by name.
 * Labels that the fleet drops are left out, as if a proxy dropped them.
 */
export function exporterLabels(state: FleetState, target: Target, reading: Reading): Labels {
  const { options } = state;
  const { metric, slot, instance, holding, xid } = reading;
  const fixed: Labels = [
    ["gpu", String(slot.index)],
    [options.oldNamespace ? "uuid" : "UUID", uuidOf(options.seed, reading.card)],
    ["pci_bus_id", `00000000:${(0x18 + slot.index * 0x0e).toString(16).toUpperCase().padStart(2, "0")}:00.0`],
    ["device", `nvidia${slot.index}`],
    ["modelName", target.host.model],
    ...(instance === null
      ? []
      : ([
          ["GPU_I_PROFILE", instance.profile],
          ["GPU_I_ID", instance.id],
        ] as const)),
    [options.hostLabel, options.hostIs === "pod" ? target.pod : target.host.name],
  ];
  const fields: [string, string][] = [["DCGM_FI_DRIVER_VERSION", DRIVER]];
  if (metric.scope === "xids") {
    fields.push(["window_size_in_ms", String(XID_WINDOW_MS)]);
    if (xid !== null) fields.push(["xid", String(xid)]);
  }
  const attributes: [string, string][] = [];
  if (holding !== null) {
    const { holder } = holding.run;
    if (isJob(holder)) attributes.push(["hpc_job", holder.job]);
    else {
      const [container, namespace, pod] = options.oldNamespace ? OLD_NAMES : NAMES;
      attributes.push([container, holder.container], [namespace, holder.namespace], [pod, holder.pod]);
      attributes.push(["pod_uid", holder.podUid]);
    }
    if (holding.vgpu !== null) attributes.push(["vgpu", String(holding.vgpu)]);
  }
  if (metric.scope !== "xids" && xid !== null) {
    attributes.push(["err_code", String(xid)], ["err_msg", XID_TEXTS[xid]!]);
  }
  const dropped: ReadonlySet<string> = new Set(options.dropLabels.flatMap((name) => (name === "UUID" ? UUIDS : name)));
  return [...fixed, ...fields, ...attributes.sort(byName)].filter(([name]) => !dropped.has(name));
}

const byName = ([a]: Exposed, [b]: Exposed): number => (a < b ? -1 : a > b ? 1 : 0);

/** Labels that service discovery gives a target. */
export function targetLabels(state: FleetState, { host, pod }: Target): Labels {
  const labels: Exposed[] = state.options.hostIs === "pod" ? [["node", host.name]] : [];
  if (host.cluster !== null) labels.push(["cluster", host.cluster]);
  if (host.scrape === "none") return labels;
  return [
    ...labels,
    ["container", EXPORTER],
    ["endpoint", "gpu-metrics"],
    ["instance", `${host.address}:9400`],
    ["job", EXPORTER],
    ["namespace", EXPORTER_NAMESPACE],
    ["pod", pod],
    ["service", EXPORTER],
  ];
}

/** Returns what Prometheus stores, sorted by name. */
export function scrapedLabels(state: FleetState, target: Target, exposed: Labels): Labels {
  const labels = new Map(targetLabels(state, target));
  for (const [name, value] of exposed) {
    if (target.host.scrape === "rename" && labels.has(name)) labels.set(`exported_${name}`, value);
    else labels.set(name, value);
  }
  return [...labels].sort(byName);
}
