/** Decides who holds a GPU by one row alone, so that the order of rows, batches and restarts cannot change it. */
import { type Holder, type HolderSet, NOBODY } from "../model/holder.ts";

/** The labels of a row that name a pod; null or empty: not given. */
export interface PodLabels {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
}

/** Texts in the names of exporters' own pods and containers. Those hold no GPU. */
const EXPORTERS = ["dcgm-exporter", "gpu-exporter", "nvidia_gpu_exporter"] as const;

const isExporter = ({ pod, container }: PodLabels): boolean =>
  EXPORTERS.some((text) => pod?.includes(text) || container?.includes(text));

const isGiven = ({ namespace, pod, container }: PodLabels): boolean =>
  namespace !== null || pod !== null || container !== null;

/**
 * Returns the holders that a row names: a pod, a Slurm job, both or none.
 * @param labels.exported the `exported_…` labels, to which Prometheus renames those of the exporter's rows. If they
 * name a pod, the plain ones are the scrape target's
 * @param labels.plain the labels `pod`, `namespace` and `container`
 * @param labels.job `hpc_job`
 */
export function holdersOfRow({
  exported,
  plain,
  podUid,
  job,
}: {
  readonly exported: PodLabels;
  readonly plain: PodLabels;
  readonly podUid: string | null;
  readonly job: string | null;
}): HolderSet {
  const holders: Holder[] = [];
  if (exported.pod !== null) holders.push({ kind: "pod", ...exported, podUid });
  else if (isGiven(plain) && !isExporter(plain)) holders.push({ kind: "pod", ...plain, podUid });
  if (job !== null) holders.push({ kind: "job", job });
  return holders.length === 0 ? NOBODY : holders;
}
