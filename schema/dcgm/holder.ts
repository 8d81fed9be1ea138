/** Decides which pod or job a row names as the holder of its GPU. */
import type { RowLabels } from "./row-labels.ts";

/** The pod, the Slurm job, or both. A missing part is null. */
export interface RowHolder {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly podUid: string | null;
  readonly job: string | null;
}

/**
 * Labels that name a pod, the more reliable ones first. Prometheus renames labels that the scrape target has, too, to
 * `exported_…`; the old names of dcgm-exporter never conflict with those of the target. Where a row has one of the
 * first two, the plain names are the target's.
 */
const POD_LABELS = [
  { namespace: "exported_namespace", pod: "exported_pod", container: "exported_container" },
  { namespace: "pod_namespace", pod: "pod_name", container: "container_name" },
] as const;
const PLAIN = { namespace: "namespace", pod: "pod", container: "container" } as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...[...POD_LABELS, PLAIN].flatMap(({ namespace, pod, container }) => [namespace, pod, container]),
  "pod_uid",
  "hpc_job",
]);

/**
 * Returns the holder that the labels name; null: nobody. Depends on nothing but the row, so that order, batches and
 * restarts cannot change it. Plain labels of which one names the exporter are those of the scrape target, which holds
 * no GPU.
 */
export function holderOfRow(labels: RowLabels): RowHolder | null {
  const get = (name: string) => labels.first("holder", name) ?? null;
  const job = get("hpc_job");
  const named = POD_LABELS.find(({ pod }) => get(pod) !== null);
  const { namespace, pod, container } = named ?? PLAIN;
  const holder = { namespace: get(namespace), pod: get(pod), container: get(container), podUid: get("pod_uid"), job };
  const isExporter = (name: string | null) => name !== null && labels.isExporter(name);
  const isTarget = named === undefined && (isExporter(holder.pod) || isExporter(holder.container));
  if (!isTarget && (holder.namespace ?? holder.pod ?? holder.container) !== null) return holder;
  return job === null ? null : { namespace: null, pod: null, container: null, podUid: null, job };
}

/** Returns the labels that distinguish holders, by the names that dcgm-exporter prints, however the row names them. */
export function holderLabels(labels: RowLabels, holder: RowHolder | null): (readonly [name: string, value: string])[] {
  const { namespace, pod, container, podUid, job } = holder ?? {};
  const parts = { container, hpc_job: job, namespace, pod, pod_uid: podUid };
  const known = Object.entries(parts).flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  return [...known, ...[...labels.of("holder")].filter(([name]) => !KNOWN.has(name))];
}
