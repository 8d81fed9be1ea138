/** Holds and workloads of the model: the oracle's answer to all that was ever stored of a GPU. */
import type { Batch, Block } from "../../../schema/batch/batch.ts";
import { BlockEvidence } from "../../../schema/batch/block-evidence.ts";
import { unpackColumns } from "../../../schema/batch/columns.ts";
import { type Evidence, trackOf } from "../../../schema/batch/evidence.ts";
import type { GpuUuid, Hold } from "../../../schema/model/gpu.ts";
import { type HolderSet, holderOfKey } from "../../../schema/model/holder.ts";
import type { Series } from "../../../schema/model/reading.ts";
import type { Window } from "../../../schema/model/window.ts";
import { isSilence } from "../../../services/repository/holds/silence.ts";
import type { Observation } from "../../../services/repository/holds/timeline.ts";
import { HOLDS_MAX, holdOrder, workloadOf, workloadOrder } from "../../../services/repository/holds.ts";
import type { GpuFilter, WorkloadPage, WorkloadQuery } from "../../../services/repository/port.ts";
import { oracleHolds } from "../holds/oracle.ts";

const setAt = (evidence: Evidence | null, column: number, tick: number): HolderSet => {
  const set = evidence && trackOf(evidence, column).findLast((run) => run.tick <= tick)?.set;
  return set ? (evidence?.sets[set - 1] ?? []) : [];
};

/** What each reading and each mark of a block says about holders. */
export function observationsOf(block: Block, batch: Batch): Observation[] {
  const unpacked = unpackColumns(block.packed);
  if (!unpacked.ok) throw new Error(unpacked.error);
  const { at, values, marks } = unpacked.value;
  const evidence = new BlockEvidence(batch).of(block, () => at);
  const observations: Observation[] = [];
  const add = (column: number, tick: number, isMark: boolean) => {
    const series = batch.series[block.series[column] as number] as Series;
    observations.push({ series, at: at[tick] as number, holders: setAt(evidence, column, tick), isMark });
  };
  for (const [column, cells] of values.entries()) {
    for (const [tick, value] of cells.entries()) if (!Number.isNaN(value)) add(column, tick, false);
  }
  for (const cell of marks) add(Math.floor(cell / at.length), cell % at.length, true);
  return observations;
}

const RECORD = /^(\S+) (.*) (\S+) (\S+) (\S+)$/;

/** @param present last time that counts as now */
export function holdsOf(gpu: GpuUuid, all: readonly Observation[], present: number): Hold[] {
  const observations = all.filter(({ at }) => at <= present);
  const newest = Math.max(...observations.map(({ at }) => at));
  return oracleHolds(observations)
    .map((text): Hold => {
      const [, instance = "", key = "", from, to, usualMs] = RECORD.exec(text) ?? [];
      return {
        gpu,
        instance: instance === "-" ? null : instance,
        holder: holderOfKey(key),
        from: Number(from),
        to: Number(to),
        // The oracle gives holds that have ended no usual interval.
        isOpen: usualMs !== "0" && !isSilence(newest - Number(to), Number(usualMs)),
      };
    })
    .sort(holdOrder);
}

const overlaps = ({ from, to }: Hold, window: Window): boolean => from < window.to && to >= window.from;

export const holdsWithin = (holds: readonly Hold[], window: Window): Hold[] =>
  holds.filter((hold) => overlaps(hold, window)).slice(0, HOLDS_MAX);

type Names = Pick<GpuFilter, "namespace" | "pod" | "job">;

const nameOf = ({ holder }: Hold) =>
  holder.kind === "job"
    ? { namespace: null, pod: null, job: holder.job }
    : { namespace: holder.namespace, pod: holder.pod, job: null };

const isNamed = (hold: Hold, names: Names): boolean => {
  const name = nameOf(hold);
  return (["namespace", "pod", "job"] as const).every(
    (part) => names[part] === undefined || names[part] === name[part],
  );
};

/** Whether one of a GPU's holds meets the conditions of a filter. */
export function meets(holds: readonly Hold[], { namespace, pod, job, window }: GpuFilter): boolean {
  if (namespace === undefined && pod === undefined && job === undefined) return true;
  const matching = holds.filter((hold) => isNamed(hold, { namespace, pod, job }));
  return matching.some((hold) => (window === undefined ? hold.isOpen : overlaps(hold, window)));
}

/** @param holds of all GPUs */
export function pageOfWorkloads(holds: readonly Hold[], query: WorkloadQuery): WorkloadPage {
  const { window, limit, after, namespace, pod, job } = query;
  const matching = holds.filter((hold) => overlaps(hold, window) && isNamed(hold, { namespace, pod, job }));
  const workloads = [...Map.groupBy(matching, (hold) => JSON.stringify(nameOf(hold))).values()]
    .map((ofName) => workloadOf(nameOf(ofName[0] as Hold), ofName))
    .sort(workloadOrder)
    .filter((workload) => after === undefined || workloadOrder(workload, after) > 0);
  const page = workloads.slice(0, limit);
  const last = page.at(-1);
  const next = workloads.length > limit && last ? { namespace: last.namespace, pod: last.pod, job: last.job } : null;
  return { workloads: page, next };
}
