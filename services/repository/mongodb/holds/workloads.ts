/** Lists workloads: pods and jobs with their holds. */
import type { Filter } from "mongodb";
import type { Workload } from "../../../../schema/model/gpu.ts";
import { WORKLOAD_HOLDS_MAX, workloadOf } from "../../holds.ts";
import type { GpuRepository, WorkloadCursor } from "../../port.ts";
import { type Link, reading } from "../connection/link.ts";
import type { Collections, HoldDocument } from "../documents.ts";
import { ofHolder, overlaps, reaching } from "./held.ts";
import { holdOf } from "./hold-documents.ts";
import type { Pulses } from "./pulses.ts";

/** Documents per round trip. */
const FETCH = 1000;
const FIELDS = ["namespace", "pod", "job"] as const;

const sameWorkload = (a: WorkloadCursor, b: WorkloadCursor): boolean => FIELDS.every((field) => a[field] === b[field]);
const cursorOf = ({ namespace, pod, job }: WorkloadCursor): WorkloadCursor => ({ namespace, pod, job });

/** Matches holds of workloads after the cursor by namespace, pod and job, null first. */
function following(after: WorkloadCursor): Filter<HoldDocument> {
  const greater = (field: (typeof FIELDS)[number]) => {
    const value = after[field];
    return value === null ? { [field]: { $ne: null } } : { [field]: { $gt: value } };
  };
  return {
    $or: [
      greater("namespace"),
      { namespace: after.namespace, ...greater("pod") },
      { namespace: after.namespace, pod: after.pod, ...greater("job") },
    ],
  } as Filter<HoldDocument>;
}

export function createWorkloads(
  { call }: Link,
  { holds }: Pick<Collections, "holds">,
  pulses: Pulses,
): GpuRepository["workloads"] {
  return async ({ window, limit, after, signal, ...names }) => {
    const times = await pulses.lastTimes({ signal });
    const conditions = [ofHolder(names), reaching(window), ...(after === undefined ? [] : [following(after)])];
    return call(
      async (callSignal) => {
        const workloads: Workload[] = [];
        let current: HoldDocument[] = [];
        let size = 0;
        /** Adds the workload whose documents have all been read. Returns false if the page has no place for it. */
        const finish = (): boolean => {
          const [first] = current;
          const found = current.map((document) => holdOf(document, times)).filter((hold) => overlaps(hold, window));
          current = [];
          if (first === undefined || found.length === 0) return true;
          size += found.length;
          if (workloads.length === limit || (workloads.length > 0 && size > WORKLOAD_HOLDS_MAX)) return false;
          workloads.push(workloadOf(cursorOf(first), found));
          return true;
        };
        const page = (isLast: boolean) => {
          const last = workloads.at(-1);
          return { workloads, next: isLast || last === undefined ? null : cursorOf(last) };
        };
        await using cursor = holds.find(
          { $and: conditions },
          { ...reading(callSignal), sort: { namespace: 1, pod: 1, job: 1 }, batchSize: FETCH },
        );
        for await (const document of cursor) {
          const [first] = current;
          if (first !== undefined && !sameWorkload(first, document) && !finish()) return page(false);
          current.push(document);
        }
        return page(finish());
      },
      { signal },
    );
  };
}
