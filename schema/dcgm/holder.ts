/** Decides which pod or job a row names as the holder of its GPU. */
import type { Holder } from "../model/holder.ts";
import type { RowLabels } from "./row-labels.ts";

/** The pod, the Slurm job, or both. A missing part is null. */
export interface RowHolder {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly podUid: string | null;
  readonly job: string | null;
}

interface PodLabels {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Prometheus renames labels that the scrape target has, too, to `exported_…`; the plain ones are then the target's. */
const EXPORTED: PodLabels = {
  namespace: "exported_namespace",
  pod: "exported_pod",
  container: "exported_container",
};
/** The old names of dcgm-exporter, then today's. The old ones count first: few targets have labels of these names. */
const PLAIN: readonly PodLabels[] = [
  { namespace: "pod_namespace", pod: "pod_name", container: "container_name" },
  { namespace: "namespace", pod: "pod", container: "container" },
];

const KNOWN: ReadonlySet<string> = new Set([
  ...[EXPORTED, ...PLAIN].flatMap(({ namespace, pod, container }) => [namespace, pod, container]),
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
  const isExporter = (label: string) => {
    const name = get(label);
    return name !== null && labels.isExporter(name);
  };
  const isGiven = ({ namespace, pod, container }: PodLabels) => (get(pod) ?? get(container) ?? get(namespace)) !== null;
  const isTarget = ({ pod, container }: PodLabels) => isExporter(pod) || isExporter(container);
  const job = get("hpc_job");
  const plain = PLAIN.filter((names) => isGiven(names) && !isTarget(names));
  const named = [EXPORTED, ...plain].find(({ pod }) => get(pod) !== null) ?? plain[0];
  if (named === undefined) {
    return job === null ? null : { namespace: null, pod: null, container: null, podUid: null, job };
  }
  const { namespace, pod, container } = named;
  return { namespace: get(namespace), pod: get(pod), container: get(container), podUid: get("pod_uid"), job };
}

/** Returns the holders that a row names: its pod, its Slurm job, both or none. */
export function holdersNamed(row: RowHolder | null): readonly Holder[] {
  if (row === null) return [];
  const { namespace, pod, container, podUid, job } = row;
  const hasPod = namespace !== null || pod !== null || container !== null;
  return [
    ...(hasPod ? [{ kind: "pod", namespace, pod, container, podUid } as const] : []),
    ...(job === null ? [] : [{ kind: "job", job } as const]),
  ];
}

/** Returns the labels that distinguish holders, by the names that dcgm-exporter prints, however the row names them. */
export function holderLabels(labels: RowLabels, holder: RowHolder | null): (readonly [name: string, value: string])[] {
  const { namespace, pod, container, podUid, job } = holder ?? {};
  const parts = { container, hpc_job: job, namespace, pod, pod_uid: podUid };
  const known = Object.entries(parts).flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  return [...known, ...labels.of("holder").filter(([name]) => !KNOWN.has(name))];
}
