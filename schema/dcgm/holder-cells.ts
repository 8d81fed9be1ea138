/**
 * Several holders in the cells of one row: the rule of the API's export of readings.
 *
 * - Each cell has one part for each holder, joined by `;`, all in the same order; a missing part is empty.
 * - `namespace`, `pod`, `container` and `pod_uid` have the parts of pods, `hpc_job` those of Slurm jobs.
 * - `;` and `\` within a part are written as `\;` and `\\`.
 */
import type { Holder, HolderSet } from "../model/holder.ts";
import type { RowHolder } from "./holder.ts";

const joined = (parts: readonly (string | null)[]): string =>
  parts.map((part) => (part ?? "").replace(/[\\;]/g, "\\$&")).join(";");

/** Returns the unescaped parts; null for an empty one. */
function partsOf(cell: string | null): (string | null)[] {
  const parts = [""];
  for (const [piece] of (cell ?? "").matchAll(/\\[\s\S]|[\s\S]/gu)) {
    if (piece === ";") parts.push("");
    else parts[parts.length - 1] += piece.length > 1 && piece.startsWith("\\") ? piece.slice(1) : piece;
  }
  return parts.map((part) => (part === "" ? null : part));
}

/** Returns one row's holders as if each had a row of its own. Cells with fewer parts than others lack the last ones. */
export function holdersInCells({ namespace, pod, container, podUid, job }: RowHolder): RowHolder[] {
  const pods = [namespace, pod, container, podUid].map(partsOf);
  const jobs = partsOf(job);
  const count = Math.max(jobs.length, ...pods.map((parts) => parts.length));
  const [namespaces = [], names = [], containers = [], uids = []] = pods;
  return Array.from({ length: count }, (_, index) => ({
    namespace: namespaces[index] ?? null,
    pod: names[index] ?? null,
    container: containers[index] ?? null,
    podUid: uids[index] ?? null,
    job: jobs[index] ?? null,
  }));
}

export interface HolderCells {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly podUid: string;
  readonly job: string;
}

type Pod = Extract<Holder, { kind: "pod" }>;

const EMPTY: HolderCells = { namespace: "", pod: "", container: "", podUid: "", job: "" };

/** Returns the cells that name these holders. */
export function cellsOf(holders: HolderSet): HolderCells {
  if (holders.length === 0) return EMPTY;
  const pods = holders.filter((holder): holder is Pod => holder.kind === "pod");
  const jobs = holders.flatMap((holder) => (holder.kind === "job" ? [holder.job] : []));
  const cell = (part: "namespace" | "pod" | "container" | "podUid") =>
    pods.some((pod) => pod[part] !== null) ? joined(pods.map((pod) => pod[part])) : "";
  return {
    namespace: cell("namespace"),
    pod: cell("pod"),
    container: cell("container"),
    podUid: cell("podUid"),
    job: joined(jobs),
  };
}
