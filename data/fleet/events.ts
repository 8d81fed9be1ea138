/** Lists what went wrong in a fleet: cards, counters, XIDs, hosts and exporters, in order of time. */
import type { CardEvent } from "./cards.ts";
import type { FleetState } from "./state.ts";
import { exporterPod } from "./topology.ts";

/** `at`, `from` and `to` are ms since the epoch, as it happened; the first reading after `at` shows it. */
export type FleetEvent =
  | {
      readonly kind: "lost" | "returned";
      readonly at: number;
      readonly gpu: string;
      readonly host: string;
      readonly index: number;
    }
  | {
      readonly kind: "replaced";
      readonly at: number;
      readonly gpu: string;
      readonly host: string;
      readonly index: number;
      readonly by: string;
    }
  | {
      readonly kind: "moved" | "renumbered";
      readonly at: number;
      readonly gpu: string;
      readonly host: string;
      readonly index: number;
      readonly toHost: string;
      readonly toIndex: number;
    }
  | {
      readonly kind: "xid";
      readonly at: number;
      readonly gpu: string;
      readonly host: string;
      readonly index: number;
      readonly code: number;
    }
  /** Counters and the last XID begin again at 0. */
  | { readonly kind: "reset"; readonly at: number; readonly gpu: string; readonly host: string; readonly index: number }
  | { readonly kind: "silent" | "slow"; readonly from: number; readonly to: number; readonly host: string }
  | { readonly kind: "exporter"; readonly at: number; readonly host: string; readonly pod: string };

interface Names {
  of(stay: { readonly card: number; readonly host: number; readonly index: number }): string;
}

export function fleetEvents(state: FleetState, names: Names): FleetEvent[] {
  const { startMs, durationMs, seed } = state.options;
  const events: FleetEvent[] = state.history.events.map((event) => cardEvent(state, names, event));
  state.hosts.forEach(({ id: host, slots }, number) => {
    const faults = state.history.faults[number]!;
    for (const kind of ["silent", "slow"] as const) {
      for (const { from, to } of faults[kind]) events.push({ kind, from: startMs + from, to: startMs + to, host });
    }
    faults.exporters.forEach((at, life) => {
      events.push({ kind: "exporter", at: startMs + at, host, pod: exporterPod(seed, number, life + 1) });
    });
    for (const { index, at, code } of faults.xids) {
      const stay = state.stay(slots[index]!, at);
      if (stay !== null) events.push({ kind: "xid", at: startMs + at, gpu: names.of(stay), host, index, code });
    }
    for (const stay of slots.flatMap(({ index }) => staysOf(state, number, index))) {
      const { index } = stay;
      const resets = new Set(faults.resets.filter((at) => at >= stay.from && at < stay.to));
      if (stay.from > 0) resets.add(stay.from);
      for (const at of resets) events.push({ kind: "reset", at: startMs + at, gpu: names.of(stay), host, index });
    }
  });
  const timeOf = (event: FleetEvent): number => ("at" in event ? event.at : event.from);
  return events.filter((event) => timeOf(event) < startMs + durationMs).sort((a, b) => timeOf(a) - timeOf(b));
}

const staysOf = (state: FleetState, host: number, index: number) =>
  state.history.stays[host * state.options.gpusPerHost + index]!;

function cardEvent(state: FleetState, names: Names, event: CardEvent): FleetEvent {
  const place = { host: state.hosts[event.host]!.id, index: event.index };
  const base = { at: state.options.startMs + event.at, gpu: names.of(event), ...place };
  switch (event.kind) {
    case "lost":
    case "returned":
      return { kind: event.kind, ...base };
    case "replaced":
      return { kind: event.kind, ...base, by: names.of({ ...event, card: event.by }) };
    case "moved":
    case "renumbered":
      return { kind: event.kind, ...base, toHost: state.hosts[event.toHost]!.id, toIndex: event.toIndex };
    default:
      return event satisfies never;
  }
}
