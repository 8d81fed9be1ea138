/** Tells the state of a fleet at any time: who reports, which card is where, what runs on it, since when it counts. */
import { type CardHistory, planCards, type Stay } from "./cards.ts";
import { SLOW_TICKS, type Span } from "./faults.ts";
import { XID_WINDOW_MS } from "./metrics.ts";
import type { FleetOptions } from "./options.ts";
import { type Run, Runs } from "./runs.ts";
import { createHost, type Host, type Instance, type Lane, type Slot } from "./topology.ts";

/** A run on a slot or instance. */
export interface Holding {
  readonly run: Run;
  /** Number of the replica, where the rows carry `vgpu`; otherwise null. */
  readonly vgpu: number | null;
}

/** All times are ms since the start of the simulation. Times may be asked for in any order; forward is fast. */
export class FleetState {
  readonly options: FleetOptions;
  readonly hosts: readonly Host[];
  readonly history: CardHistory;
  readonly runs: Runs;

  constructor(options: FleetOptions) {
    this.options = options;
    this.hosts = Array.from({ length: options.hosts }, (_, number) => createHost(options, number));
    this.history = planCards(options);
    this.runs = new Runs(options);
  }

  /** False while the host is silent, and at the ticks that a slow host leaves out. */
  reports(host: number, tick: number): boolean {
    const atMs = tick * this.options.intervalMs;
    const { silent, slow } = this.history.faults[host]!;
    if (covers(silent, atMs)) return false;
    return !covers(slow, atMs) || tick % SLOW_TICKS === host % SLOW_TICKS;
  }

  /** True while the host answers slowly: it reports some ticks, and at the others its answer takes too long. */
  isSlow(host: number, tick: number): boolean {
    const atMs = tick * this.options.intervalMs;
    const { silent, slow } = this.history.faults[host]!;
    return covers(slow, atMs) && !covers(silent, atMs);
  }

  stay(slot: Slot, atMs: number): Stay | null {
    const stays = this.history.stays[slot.host * this.options.gpusPerHost + slot.index]!;
    return stays.findLast((stay) => stay.from <= atMs && atMs < stay.to) ?? null;
  }

  /** Who holds a slot, or one of its MIG instances. A card in MIG mode is not held as a whole. */
  holdings(slot: Slot, instance: Instance | null, atMs: number): Holding[] {
    const lanes: readonly Lane[] = instance === null ? slot.lanes : [instance.lane];
    const found: Holding[] = [];
    lanes.forEach((lane, replica) => {
      const run = this.runs.at(lane, slot.index, atMs);
      if (run !== null) found.push({ run, vgpu: slot.vgpu ? replica : null });
    });
    return found;
  }

  /** When the counters of a card in its slot last began again; null: before the simulation. */
  countingSince(stay: Stay, atMs: number): number | null {
    const reset = this.history.faults[stay.host]!.resets.findLast((at) => at <= atMs && at >= stay.from);
    return reset ?? (stay.from === 0 ? null : stay.from);
  }

  /** XIDs that the driver has reported since it was loaded, oldest first. */
  xids(stay: Stay, atMs: number): readonly { readonly at: number; readonly code: number }[] {
    const since = this.countingSince(stay, atMs) ?? 0;
    return this.history.faults[stay.host]!.xids.filter(
      (xid) => xid.index === stay.index && xid.at >= since && xid.at <= atMs,
    );
  }

  /** How many XIDs the last five minutes had, by code. */
  xidCounts(stay: Stay, atMs: number): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const { at, code } of this.xids(stay, atMs)) {
      if (at > atMs - XID_WINDOW_MS) counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    return counts;
  }
}

const covers = (spans: readonly Span[], atMs: number): boolean =>
  spans.some(({ from, to }) => from <= atMs && atMs < to);
