/** Decides which host a row is about. */
import type { RowLabels } from "./row-labels.ts";

/** `[fe80::1]:9400` and `10.0.0.9:9400` without the port. */
function withoutPort(instance: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(instance) ?? [];
  return bracketed ?? plain ?? instance;
}

/**
 * Returns the host's name; undefined if the row has none. Without NODE_NAME, dcgm-exporter prints the name of its own
 * pod as `Hostname` (NVIDIA/dcgm-exporter#78), which changes with the pod, so a label that names the node wins over it.
 */
export function hostOfRow(labels: RowLabels): string | undefined {
  const instance = labels.first("scrape", "instance");
  const candidates = [
    labels.first("fact", "Hostname", "hostname"),
    labels.first("fact", "hostname"),
    labels.first("fact", "node"),
    labels.first("fact", "kubernetes_node"),
    instance === undefined ? undefined : withoutPort(instance),
  ];
  return candidates.find((name) => name && !labels.isExporter(name));
}
