/** States whom the rows of each kind of series name at each tick, from the plan of the fleet, without printing rows. */
import type { Stay } from "./cards.ts";
import type { Holder } from "./holder.ts";
import { ticksOf } from "./options.ts";
import type { FleetState, Holding } from "./state.ts";
import type { Instance, Slot } from "./topology.ts";

/** Series that appear at the same ticks and name the same holders. */
export interface Track {
  /** Ticks with a reading, ascending. */
  readonly ticks: readonly number[];
  /** Keys of the holders that the readings of a tick name; as long as `ticks`. */
  readonly named: readonly (readonly string[])[];
}

export interface GpuEvidence {
  /** All ticks with a reading of the GPU, ascending. */
  readonly ticks: readonly number[];
  /** Tracks of the card as a whole (null) and of each MIG instance. */
  readonly tracks: ReadonlyMap<string | null, readonly Track[]>;
  readonly holders: ReadonlyMap<string, Holder>;
}

/** What one exporter prints of a track at a tick. No holding: a row that names nobody. */
interface Print {
  readonly tick: number;
  readonly holdings: readonly Holding[];
}

/** @param stays of one GPU, in order of time */
export function evidenceOf(state: FleetState, stays: readonly Stay[]): GpuEvidence {
  const prints = new Map<string | null, Map<string, Print[]>>();
  const holders = new Map<string, Holder>();
  const add = (instance: Instance | null, track: string, tick: number, holdings: readonly Holding[]): void => {
    const id = instance?.id ?? null;
    const tracks = prints.get(id) ?? new Map<string, Print[]>();
    prints.set(id, tracks);
    const list = tracks.get(track) ?? [];
    tracks.set(track, list);
    list.push({ tick, holdings });
    for (const { run } of holdings) holders.set(run.key, run.holder);
  };
  for (const stay of stays) {
    const slot = state.hosts[stay.host]!.slots[stay.index]!;
    for (const tick of reportedTicks(state, stay)) addTick(state, slot, stay, tick, add);
  }
  const tracks = new Map(
    [...prints].map(([id, byName]) => [id, [...byName.values()].map((list) => trackOf(state, list))]),
  );
  return { ticks: tracks.get(null)?.[0]?.ticks ?? [], tracks, holders };
}

/** Ticks at which the host reports the card in its slot. */
function* reportedTicks(state: FleetState, { host, from, to }: Stay): Generator<number, void, void> {
  const { intervalMs } = state.options;
  const end = Math.min(ticksOf(state.options), Math.ceil(to / intervalMs));
  for (let tick = Math.ceil(from / intervalMs); tick < end; tick++) if (state.reports(host, tick)) yield tick;
}

function addTick(
  state: FleetState,
  slot: Slot,
  stay: Stay,
  tick: number,
  add: (instance: Instance | null, track: string, tick: number, holdings: readonly Holding[]) => void,
): void {
  const atMs = tick * state.options.intervalMs;
  const holdings = state.holdings(slot, null, atMs);
  // Temperature, energy, XID. Of a card in MIG mode these rows name nobody. First, because they are always printed.
  add(null, "card", tick, holdings);
  if (slot.kind !== "mig") {
    add(null, "device", tick, holdings);
    const codes = [...state.xidCounts(stay, atMs).keys()];
    for (const code of codes.length === 0 ? ["none"] : codes) add(null, `xid ${code}`, tick, holdings);
  }
  for (const instance of slot.instances) {
    const held = state.holdings(slot, instance, atMs);
    if (held.length > 0 || !instance.quiet) add(instance, "memory", tick, held);
    if (held.length > 0) add(instance, "engine", tick, held);
  }
}

/** Repeats each series for the lookback, as data/fleet/lookback.ts does with rows. */
function trackOf(state: FleetState, prints: readonly Print[]): Track {
  const { lookbackMs, intervalMs } = state.options;
  const newest = new Map<string, { readonly tick: number; readonly holding: Holding | null }>();
  const ticks: number[] = [];
  const named: string[][] = [];
  const last = prints.at(-1)?.tick ?? -1;
  const end = Math.min(ticksOf(state.options) - 1, last + Math.floor(lookbackMs / intervalMs));
  let next = 0;
  for (let tick = prints[0]?.tick ?? 0; tick <= end; tick++) {
    if (prints[next]?.tick === tick) {
      const { holdings } = prints[next++]!;
      if (lookbackMs === 0) newest.clear();
      if (holdings.length === 0) newest.set("", { tick, holding: null });
      for (const holding of holdings) newest.set(`${holding.vgpu} ${holding.run.key}`, { tick, holding });
    } else if (lookbackMs === 0) {
      continue;
    }
    for (const [key, row] of newest) {
      if (row.tick !== tick && (tick - row.tick) * intervalMs >= lookbackMs) newest.delete(key);
    }
    if (newest.size === 0) continue;
    ticks.push(tick);
    named.push(holdersNamed([...newest.values()].map((row) => row.holding)));
  }
  return { ticks, named };
}

/** A row without a holder prevails over those that have no `vgpu` either. */
function holdersNamed(holdings: readonly (Holding | null)[]): string[] {
  const emptied = holdings.includes(null);
  const counted = holdings.filter((holding) => holding !== null && !(emptied && holding.vgpu === null));
  return [...new Set(counted.map((holding) => holding!.run.key))];
}
