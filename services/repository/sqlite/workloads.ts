/** Lists workloads: pods and jobs with their holds, slice by slice, and yields to other work in between. */
import { setImmediate } from "node:timers/promises";
import type { Hold, Workload } from "../../../schema/model/gpu.ts";
import type { Window } from "../../../schema/model/window.ts";
import { WORKLOAD_HOLDS_MAX, workloadOf } from "../holds.ts";
import type { GpuRepository, WorkloadCursor } from "../port.ts";
import type { Database } from "./database.ts";
import { type Condition, ofHolder, overlapping } from "./hold-conditions.ts";
import type { HolderTable } from "./holders.ts";
import { HOLD_COLUMNS, holdOf } from "./holds.ts";

/** Number of names whose holds are read in one snapshot, which takes a few ms. */
const SLICE = 500;

/** Namespace, pod and job as the table has them: empty for null. */
type Name = readonly [namespace: string, pod: string, job: string];

const nameOf = ({ namespace, pod, job }: WorkloadCursor): Name => [namespace ?? "", pod ?? "", job ?? ""];
const cursorOf = ([namespace, pod, job]: Name): WorkloadCursor => {
  return { namespace: namespace || null, pod: pod || null, job: job || null };
};

export function createWorkloads(database: Database, holders: HolderTable): GpuRepository["workloads"] {
  const holdsOf = database.prepare(
    `SELECT ${HOLD_COLUMNS} FROM holders CROSS JOIN holds ON holds.holder = holders.id JOIN gpus ON gpus.id = holds.gpu
     WHERE holders.namespace = ? AND holders.pod = ? AND holders.job = ? AND ${overlapping({ from: 0, to: 0 })[0]}`,
  );

  /** Returns the next names after `last`, in order. */
  const namesAfter = (last: Name | undefined, filter: readonly Condition[]): Name[] => {
    const after: Condition[] = last === undefined ? [] : [["(namespace, pod, job) > (?, ?, ?)", ...last]];
    const conditions: readonly Condition[] = [["true"], ...filter, ...after];
    const query = `SELECT DISTINCT namespace, pod, job FROM holders
      WHERE ${conditions.map(([text]) => text).join(" AND ")} ORDER BY namespace, pod, job LIMIT ${SLICE}`;
    return database.prepare(query).all(...conditions.flatMap(([, ...values]) => values)) as unknown as Name[];
  };

  /** Reads workloads after `last` until they are more than `limit` or have too many holds. */
  const sliceAfter = (
    last: Name | undefined,
    filter: readonly Condition[],
    { window, limit, holdsLeft }: { window: Window; limit: number; holdsLeft: number },
  ) => {
    const names = namesAfter(last, filter);
    const found: Workload[] = [];
    let left = holdsLeft;
    for (const name of names) {
      const holds = holdsOf.all(...name, window.from, window.to).map((row): Hold => holdOf(row, holders));
      if (holds.length === 0) continue;
      found.push(workloadOf(cursorOf(name), holds));
      left -= holds.length;
      if (left < 0 || found.length > limit) break;
    }
    return { found, last: names.at(-1), isLast: names.length < SLICE };
  };

  return async ({ window, limit, after, signal, ...names }) => {
    const filter = ofHolder(names);
    const workloads: Workload[] = [];
    let last = after && nameOf(after);
    let holdsLeft = WORKLOAD_HOLDS_MAX;
    for (;;) {
      signal?.throwIfAborted();
      const bounds = { window, limit: limit - workloads.length, holdsLeft };
      const slice = await database.read(() => sliceAfter(last, filter, bounds), { signal });
      for (const workload of slice.found) {
        holdsLeft -= workload.holds.length;
        const end = workloads.at(-1);
        if (workloads.length === limit || (end !== undefined && holdsLeft < 0)) {
          return { workloads, next: end ? cursorOf(nameOf(end)) : null };
        }
        workloads.push(workload);
      }
      if (slice.isLast) return { workloads, next: null };
      last = slice.last;
      await setImmediate();
    }
  };
}
