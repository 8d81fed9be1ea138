/** Lists the runs on a card during a stay, as they happened. */
import type { Stay } from "./cards.ts";
import type { Holder } from "./holder.ts";
import { blockMsOf, type Run, usesGpu } from "./runs.ts";
import type { FleetState } from "./state.ts";

/** Times are ms since the start of the simulation, `[from, to)`. */
export interface SlotOccupancy {
  readonly instance: string | null;
  readonly holder: Holder;
  readonly from: number;
  readonly to: number;
}

export function occupanciesOf(state: FleetState, stay: Stay): SlotOccupancy[] {
  const { options } = state;
  const slot = state.hosts[stay.host]!.slots[stay.index]!;
  const endMs = Math.min(stay.to, options.durationMs);
  const blockMs = blockMsOf(options);
  const lanes = [
    ...slot.lanes.map((lane) => ({ lane, instance: null })),
    ...slot.instances.map(({ id, lane }) => ({ lane, instance: id })),
  ];
  return lanes.flatMap(({ lane, instance }) => {
    const found: { run: Run; from: number; to: number }[] = [];
    for (let block = Math.floor(stay.from / blockMs); block * blockMs < endMs; block++) {
      for (const run of state.runs.block(lane, block)) {
        if (!usesGpu(run, lane, slot.index)) continue;
        const [from, to] = [Math.max(run.from, stay.from), Math.min(run.to, endMs)];
        const before = found.at(-1);
        if (from >= to) continue;
        if (before !== undefined && before.to === from && before.run.key === run.key) before.to = to;
        else found.push({ run, from, to });
      }
    }
    return found.map(({ run, from, to }) => ({ instance, holder: run.holder, from, to }));
  });
}
