/** Rules of every store about the holds in an answer: their order, and the workloads they make. */
import type { Hold, Workload } from "../../schema/model/gpu.ts";
import { compareHolders } from "../../schema/model/holder.ts";
import { instanceOrder } from "./inventory.ts";
import type { WorkloadCursor } from "./port.ts";

/** How many holds of one GPU an answer may have. */
export const HOLDS_MAX = 10_000;
/** How many holds a page of workloads may have, unless its first workload has more. */
export const WORKLOAD_HOLDS_MAX = 10_000;

const compare = (a: string | null, b: string | null): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1;

/** Orders holds of one GPU by start, then instance (the card first) and holder. */
export const holdOrder = (a: Hold, b: Hold): number =>
  a.from - b.from ||
  (a.instance === null || b.instance === null
    ? compare(a.instance, b.instance)
    : instanceOrder(a.instance, b.instance)) ||
  compareHolders(a.holder, b.holder);

/** Orders holds of a workload by start, then GPU, instance and holder. */
const workloadHoldOrder = (a: Hold, b: Hold): number => a.from - b.from || compare(a.gpu, b.gpu) || holdOrder(a, b);

/** Orders workloads by namespace, pod and job, null first. */
export const workloadOrder = (a: WorkloadCursor, b: WorkloadCursor): number =>
  compare(a.namespace, b.namespace) || compare(a.pod, b.pod) || compare(a.job, b.job);

/** Returns the workload of holds of one pod or job. @param holds at least one */
export function workloadOf(name: WorkloadCursor, holds: readonly Hold[]): Workload {
  return {
    ...name,
    from: holds.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY),
    to: holds.reduce((most, { to }) => Math.max(most, to), Number.NEGATIVE_INFINITY),
    isOpen: holds.some(({ isOpen }) => isOpen),
    holds: holds.toSorted(workloadHoldOrder),
  };
}
