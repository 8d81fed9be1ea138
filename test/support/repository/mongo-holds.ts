/** Reads the holds of one GPU in short form. */
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { ALL_TIME } from "../../../schema/model/window.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { START } from "../../conformance/repository/bench.ts";

/** Name of the pod or job, first and last time in ms after START, and whether the hold is open. */
export type ShortHold = readonly [name: string | null, from: number, to: number, isOpen: boolean];

export async function shortHolds(store: Pick<Repository, "holds">, gpu: GpuUuid): Promise<ShortHold[]> {
  const holds = await store.holds([gpu], ALL_TIME, { max: 10_000 });
  return (holds.get(gpu) ?? []).map(
    ({ holder, from, to, isOpen }): ShortHold => [
      holder.kind === "job" ? holder.job : holder.pod,
      from - START,
      to - START,
      isOpen,
    ],
  );
}
