/**
 * Classifies labels by name: the one table that decides what a label of a reading means, for every source.
 *
 * - `device`: names the entity: the GPU, its MIG instance, or a device that is no GPU
 * - `fact`: describes the entity in the inventory
 * - `holder`: names the pod or job that holds the entity
 * - `scrape`: names the scrape target; part of no identity
 * - `description`: explains the value; part of no identity
 * - `ignored`: dropped
 * - `series`: distinguishes readings of one metric and entity
 */
export const LABEL_CLASSES = ["device", "fact", "holder", "scrape", "description", "ignored", "series"] as const;
export type LabelClass = (typeof LABEL_CLASSES)[number];

/** A label name, or a glob in which `*` stands for any characters, and its class. */
export interface LabelPattern {
  readonly glob: string;
  readonly class: LabelClass;
}

interface LabelEntry extends LabelPattern {
  /** Where the label comes from. Paths are those of NVIDIA/dcgm-exporter d5e5f51. */
  readonly source: string;
}

const RENDER = "internal/pkg/rendermetrics/render_metrics.go";
const TRANSFORM = "internal/pkg/transformation/const.go";
const PROMETHEUS = "Prometheus: labels of the scrape target, renamed to exported_… where the exporter prints them, too";
const OPERATOR = "prometheus-operator: labels of Kubernetes discovery";
const FIELDS = "NVIDIA/DCGM dcgm_fields.h, entity groups";

const entries = (labelClass: LabelClass, source: string, ...globs: readonly string[]): LabelEntry[] =>
  globs.map((glob) => ({ glob, class: labelClass, source }));

/** Each label once. Globs follow the names, and none matches a name. */
export const LABEL_TABLE: readonly LabelEntry[] = [
  ...entries("device", RENDER, "UUID", "gpu_uuid", "gpu", "GPU_I_ID", "cpu", "cpucore"),
  ...entries("device", `${RENDER}, --use-old-namespace`, "uuid"),
  ...entries("device", "CEEMS exporter", "gpuuuid"),
  ...entries("device", "columns of flattened exports; ROCm/device-metrics-exporter", "gpu_id"),

  ...entries("fact", RENDER, "modelName", "model_name", "device", "pci_bus_id", "GPU_I_PROFILE"),
  ...entries("fact", `${RENDER}; Hostname up to 4.8.2`, "Hostname", "hostname"),
  ...entries("fact", "NVIDIA/dcgm-exporter#78: relabelling that attaches the node", "node", "kubernetes_node"),
  ...entries("fact", "Prometheus: external label of a server", "cluster"),

  ...entries("holder", TRANSFORM, "pod", "namespace", "container", "pod_uid", "hpc_job"),
  ...entries("holder", `${TRANSFORM}, --use-old-namespace`, "pod_name", "pod_namespace", "container_name"),
  ...entries("holder", PROMETHEUS, "exported_pod", "exported_namespace", "exported_container"),

  ...entries("scrape", PROMETHEUS, "job", "instance", "exported_job", "exported_instance"),
  ...entries("scrape", OPERATOR, "endpoint", "service", "exported_service", "exported_endpoint"),
  ...entries("scrape", "prometheus-operator: external labels of a server", "prometheus", "prometheus_replica"),

  ...entries("description", "internal/pkg/collector/gpu_collector.go: text of an XID", "err_msg", "err_code"),
  ...entries(
    "description",
    "internal/pkg/collector/gpu_health_collector.go: meaning of the value",
    "health_error_code",
  ),
  ...entries("description", "internal/pkg/collector/const.go: meaning of the value", "link_status"),

  ...entries("series", "internal/pkg/collector/clock_events_collector.go", "clock_event"),
  ...entries("series", "internal/pkg/collector/xid_collector.go", "xid"),
  ...entries("series", "internal/pkg/collector/const.go", "window_size_in_ms", "peer_gpu"),
  ...entries("series", "internal/pkg/collector/gpu_health_collector.go", "health_watch"),
  ...entries("series", `${RENDER}; ${FIELDS}`, "nvlink", "nvswitch"),
  ...entries("series", `${TRANSFORM}: replica of a time-sliced GPU`, "vgpu"),
  ...entries("series", "exporters of processes and sensors, such as nvidia_gpu_exporter", "pid", "sensor"),

  ...entries("fact", "internal/pkg/collector/gpu_collector.go: label-type fields such as the driver", "DCGM_FI_*"),
  ...entries("scrape", "Prometheus: internal labels", "__*"),
  ...entries("description", `${TRANSFORM}: claim of dynamic resource allocation`, "dra_*"),
];
