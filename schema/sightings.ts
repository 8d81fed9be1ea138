/** What one GPU's readings say of the GPU itself, and from when to when. */
import type { Sighting } from "./batch.ts";
import type { GpuReadings } from "./reading-log.ts";
import type { SlotTable } from "./slot-table.ts";

interface Stretch {
  readonly facts: number;
  readonly from: number;
  to: number;
  lastTick: number;
}

/** In order of time; one for each stretch of the GPU's times at which it had the same facts. */
export function sightingsOf({ slots, at }: GpuReadings, table: SlotTable): Sighting[] {
  const running = new Map<number, Stretch>();
  const stretches: Stretch[] = [];
  let tick = 0;
  let current: Stretch | undefined;
  for (let index = 0; index < at.length; index++) {
    const time = at[index] as number;
    if (index > 0 && time !== at[index - 1]) tick++;
    const { facts } = table.of(slots[index] as number);
    if (current?.facts !== facts) current = running.get(facts);
    if (current === undefined || current.lastTick < tick - 1) {
      current = { facts, from: time, to: time, lastTick: tick };
      running.set(facts, current);
      stretches.push(current);
    }
    current.to = time;
    current.lastTick = tick;
  }
  if (stretches.length > 1) {
    const { ranks } = table.factKeys;
    stretches.sort((a, b) => a.from - b.from || (ranks[a.facts] as number) - (ranks[b.facts] as number));
  }
  return stretches.map(({ facts, from, to }) => ({ facts: table.facts(facts), from, to }));
}
