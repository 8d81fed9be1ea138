/** Plans what goes wrong on each host: one fault, or none, in each window of time. */
import { createStream, type Random, wholeBetween } from "../random.ts";
import { type FleetOptions, MAX_LOOKBACK_MS } from "./options.ts";
import { STREAM } from "./topology.ts";

/** Times are ms since the start of the simulation; spans are `[from, to)`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What happens to the cards of a host. Its slots stay as they are. */
export type Surgery =
  /** A card falls off the bus; with `back`, a restart of the host at that time brings it back. */
  | { readonly kind: "lost"; readonly index: number; readonly at: number; readonly back: number | null }
  /** Another card is put into the slot while the host is down. */
  | { readonly kind: "replaced"; readonly index: number; readonly down: Span }
  /** Two hosts swap cards while both are down. */
  | { readonly kind: "moved"; readonly index: number; readonly other: number; readonly down: Span }
  /** A card is lost, and after a restart the ones behind it have moved up by one index. */
  | { readonly kind: "renumbered"; readonly index: number; readonly down: Span };

export interface HostFaults {
  /** In order of time. */
  readonly silent: readonly Span[];
  /** The host reports only every SLOW_TICKS-th tick. */
  readonly slow: readonly Span[];
  readonly xids: readonly { readonly index: number; readonly at: number; readonly code: number }[];
  /** The driver is loaded anew: counters begin again. */
  readonly resets: readonly number[];
  /** The exporter's pod is replaced by one with another name. */
  readonly exporters: readonly number[];
  readonly surgeries: readonly Surgery[];
}

export const SLOW_TICKS = 4;
/** XIDs that end no card: exception, page fault, stopped, preemptive cleanup, double bit, row remapped, contained. */
const XIDS = [13, 31, 43, 45, 48, 63, 94] as const;
const FELL_OFF_THE_BUS = 79;

const WINDOW_INTERVALS = 48;
/** Half of it is longer than the lookback and the jitter together, so that nobody reports from two hosts at once. */
const MIN_WINDOW_MS = 1_200_000;
const JITTER_INTERVALS = 4;
/** A silence ends a hold from here on, if it is also longer than three intervals. */
const SILENCE_MS = 300_000;

export const faultWindowMs = (options: FleetOptions): number =>
  Math.max(WINDOW_INTERVALS * options.intervalMs, MIN_WINDOW_MS);

const KINDS = ["xid", "short", "long", "slow", "reset", "exporter", "lost", "replaced", "renumbered"] as const;
const QUIET = 0.25;
const PAIR_MOVES = 0.15;

type Draft = { -readonly [Name in keyof HostFaults]: HostFaults[Name][number][] };

/** Returns the faults of a host in one window of time. */
export function faultsOf(options: FleetOptions, host: number, window: number): HostFaults {
  const draft: Draft = { silent: [], slow: [], xids: [], resets: [], exporters: [], surgeries: [] };
  if (!options.faults) return draft;
  const windowMs = faultWindowMs(options);
  const startMs = window * windowMs;
  // Both hosts of a pair see the same stream.
  const pair = createStream(options.seed, STREAM.pair, host >> 1, window);
  if (host - (host % 2) + 1 < options.hosts && pair() < PAIR_MOVES) {
    const [even, odd] = [
      wholeBetween(pair, 0, options.gpusPerHost - 1),
      wholeBetween(pair, 0, options.gpusPerHost - 1),
    ];
    const down = downtime(options, startMs, pair);
    draft.silent.push(down);
    if (host % 2 === 0) draft.surgeries.push({ kind: "moved", index: even, other: odd, down });
    return draft;
  }
  const random = createStream(options.seed, STREAM.fault, host, window);
  if (random() >= QUIET) addFault(draft, options, startMs, random);
  return draft;
}

function downtime(options: FleetOptions, startMs: number, random: Random): Span {
  const windowMs = faultWindowMs(options);
  const from = startMs + Math.round(windowMs / 4) + wholeBetween(random, 0, JITTER_INTERVALS) * options.intervalMs;
  const shortest = MAX_LOOKBACK_MS + 2 * options.intervalMs;
  return { from, to: from + wholeBetween(random, shortest, Math.max(shortest, Math.round(windowMs / 2))) };
}

function addFault(draft: Draft, options: FleetOptions, startMs: number, random: Random): void {
  const { intervalMs } = options;
  const windowMs = faultWindowMs(options);
  const kind = KINDS[Math.floor(random() * KINDS.length)]!;
  const index = wholeBetween(random, 0, options.gpusPerHost - 1);
  const from = startMs + Math.round(windowMs * 0.3) + wholeBetween(random, 0, JITTER_INTERVALS * intervalMs);
  const silentFor = (ms: number): Span => {
    const span = { from, to: Math.min(from + ms, startMs + windowMs) };
    draft.silent.push(span);
    return span;
  };
  const longestGap = Math.max(SILENCE_MS, 3 * intervalMs);
  switch (kind) {
    case "xid": {
      const code = XIDS[Math.floor(random() * XIDS.length)]!;
      draft.xids.push({ index, at: from, code });
      // The same code twice looks like one in the gauge.
      if (random() < 0.5) draft.xids.push({ index, at: from + wholeBetween(random, 1, 8 * intervalMs), code });
      return;
    }
    case "short":
      silentFor(wholeBetween(random, intervalMs, longestGap));
      return;
    case "long":
      silentFor(longestGap + wholeBetween(random, 1, 12) * intervalMs);
      return;
    case "slow":
      draft.slow.push({ from, to: startMs + Math.round(windowMs * 0.8) });
      return;
    case "reset":
      draft.resets.push(silentFor(2 * intervalMs).to);
      return;
    case "exporter":
      draft.exporters.push(silentFor(intervalMs).to);
      return;
    case "lost": {
      draft.xids.push({ index, at: from - intervalMs, code: FELL_OFF_THE_BUS });
      const back = random() < 0.5 ? startMs + Math.round(windowMs * 0.8) : null;
      draft.surgeries.push({ kind, index, at: from, back });
      if (back === null) return;
      draft.silent.push({ from: back - 2 * intervalMs, to: back });
      draft.resets.push(back);
      return;
    }
    case "replaced":
    case "renumbered": {
      const down = downtime(options, startMs, random);
      draft.silent.push(down);
      draft.resets.push(down.to);
      draft.surgeries.push({ kind, index, down });
      return;
    }
    default:
      kind satisfies never;
  }
}
