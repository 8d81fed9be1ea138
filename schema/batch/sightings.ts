/** Derives the sightings of one GPU from its readings. */
import type { Sighting } from "./batch.ts";
import type { GpuReadings } from "./reading-log.ts";
import type { SlotTable } from "./slot-table.ts";

interface Stretch {
  readonly facts: number;
  readonly from: number;
  to: number;
  lastTick: number;
}

function stretchesOf({ columns: { slots, at }, start, end }: GpuReadings, factsOf: readonly number[]): Stretch[] {
  const latest = new Map<number, Stretch>();
  const stretches: Stretch[] = [];
  let tick = 0;
  for (let index = start; index < end; index++) {
    const time = at[index] as number;
    if (index > start && time !== at[index - 1]) tick++;
    const facts = factsOf[slots[index] as number] as number;
    let stretch = latest.get(facts);
    if (stretch === undefined || stretch.lastTick < tick - 1) {
      stretch = { facts, from: time, to: time, lastTick: tick };
      latest.set(facts, stretch);
      stretches.push(stretch);
    }
    stretch.to = time;
    stretch.lastTick = tick;
  }
  return stretches;
}

function haveOneFacts({ columns: { slots }, start, end }: GpuReadings, factsOf: readonly number[]): boolean {
  const first = factsOf[slots[start] as number];
  for (let index = start + 1; index < end; index++) if (factsOf[slots[index] as number] !== first) return false;
  return true;
}

/**
 * Returns one sighting for each stretch of time in which the GPU had the same facts, sorted by time, then by facts.
 * Where facts differ at one time, their sightings overlap.
 */
export function sightingsOf(readings: GpuReadings, table: SlotTable): Sighting[] {
  const { columns, start, end } = readings;
  if (haveOneFacts(readings, table.factsOf)) {
    const facts = table.facts(table.factsOf[columns.slots[start] as number] as number);
    return [{ ...facts, from: columns.at[start] as number, to: columns.at[end - 1] as number }];
  }
  const stretches = stretchesOf(readings, table.factsOf);
  stretches.sort((a, b) => a.from - b.from || table.compareFacts(a.facts, b.facts));
  return stretches.map(({ facts, from, to }) => ({ ...table.facts(facts), from, to }));
}
