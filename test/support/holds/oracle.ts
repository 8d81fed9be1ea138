/** Holds of one GPU by the definition, evaluated time by time without any state that could go wrong. */
import { type Holder, holderKey } from "../../../schema/model/holder.ts";
import type { HoldRecord } from "../../../services/repository/holds/derive.ts";
import type { Observation } from "../../../services/repository/holds/timeline.ts";

const FIVE_MINUTES = 300_000;

interface One {
  /** Times of readings, ascending. */
  readonly times: readonly number[];
  readonly named: ReadonlyMap<number, ReadonlySet<string>>;
  /** Holders ended by marks, by time. */
  readonly marks: ReadonlyMap<number, ReadonlySet<string>>;
}

const partOf = (series: string, label: string): string | undefined =>
  new RegExp(`[{,]${label}="([^"]*)"`).exec(series)?.[1];

function seriesOf(observations: readonly Observation[]): One {
  const named = new Map<number, Set<string>>();
  const marks = new Map<number, Set<string>>();
  for (const replica of Map.groupBy(observations, ({ series }) => partOf(series, "vgpu")).values()) {
    const readings = Map.groupBy(
      replica.filter(({ isMark }) => !isMark),
      ({ at }) => at,
    );
    for (const [at, rows] of readings) {
      const union = named.get(at) ?? new Set();
      named.set(at, union);
      if (rows.some(({ holders }) => holders.length === 0)) continue;
      for (const holder of rows.flatMap(({ holders }) => holders)) union.add(holderKey(holder));
    }
    for (const { at, holders, isMark } of replica) {
      if (!isMark || readings.has(at)) continue;
      marks.set(at, new Set([...(marks.get(at) ?? []), ...holders.map(holderKey)]));
    }
  }
  return { times: [...named.keys()].sort((a, b) => a - b), named, marks };
}

function usual({ times }: One, at: number): number {
  const distances = (side: readonly number[]) => side.slice(1).map((time, place) => time - (side[place] as number));
  const before = distances(times.filter((time) => time < at)).slice(-20);
  const after = distances(times.filter((time) => time >= at)).slice(0, 20);
  const all = [...before, ...after].sort((a, b) => a - b);
  if (all.length === 0) return FIVE_MINUTES;
  const half = Math.floor(all.length / 2);
  return all.length % 2 === 1 ? (all[half] as number) : ((all[half - 1] as number) + (all[half] as number)) / 2;
}

const isLong = (gap: number, interval: number): boolean => gap > 3 * interval && gap >= FIVE_MINUTES;

/** The last reading before the time. */
const lastOf = ({ times }: One, at: number): number | undefined => times.findLast((time) => time < at);

/** Whether the series' last reading before the time named the holder, and no mark has ended the row since. */
function namedBefore(one: One, at: number, holder: string): boolean {
  const last = lastOf(one, at);
  if (last === undefined || !one.named.get(last)?.has(holder)) return false;
  return ![...one.marks].some(([time, ended]) => time > last && time < at && ended.has(holder));
}

function holdsOf(series: readonly One[], holder: string): Omit<HoldRecord, "instance" | "holder" | "ended">[] {
  const times = [...new Set(series.flatMap(({ times, marks }) => [...times, ...marks.keys()]))].sort((a, b) => a - b);
  const holds: { from: number; to: number; usualMs: number }[] = [];
  let open: { from: number; to: number; by: Set<One> } | undefined;
  for (const at of times) {
    const naming = series.filter(({ named }) => named.get(at)?.has(holder));
    if (open !== undefined) {
      const { by, to } = open;
      const reports = naming.length > 0 || [...by].some(({ named }) => named.has(at));
      const silent = reports && isLong(at - to, Math.max(...[...by].map((one) => usual(one, at))));
      const dropped = series.some((one) => {
        const here = one.named.get(at);
        if (here?.has(holder)) return false;
        return one.marks.get(at)?.has(holder) || (here !== undefined && namedBefore(one, at, holder));
      });
      if (silent || dropped) {
        holds.push({ from: open.from, to, usualMs: 0 });
        open = undefined;
      }
    }
    const taken = naming.some((one) => {
      const last = lastOf(one, at);
      return !namedBefore(one, at, holder) || isLong(at - (last as number), usual(one, at));
    });
    if (open === undefined && taken) open = { from: at, to: at, by: new Set() };
    if (open === undefined || naming.length === 0) continue;
    open.to = at;
    for (const one of naming) open.by.add(one);
  }
  if (open !== undefined) {
    const usualMs = Math.max(...[...open.by].map((one) => usual(one, Number.POSITIVE_INFINITY)));
    holds.push({ from: open.from, to: open.to, usualMs });
  }
  return holds;
}

/** Each hold as text, sorted. A hold that has ended has no usual interval. */
export function oracleHolds(observations: readonly Observation[]): string[] {
  const found: string[] = [];
  for (const [instance, ofInstance] of Map.groupBy(observations, ({ series }) => partOf(series, "GPU_I_ID"))) {
    const merged = Map.groupBy(ofInstance, ({ series }) => series.replace(/,?vgpu="[^"]*"/, "").replace("{}", ""));
    const series = [...merged.values()].map(seriesOf);
    for (const holder of new Set(ofInstance.flatMap(({ holders }) => holders).map(holderKey))) {
      for (const { from, to, usualMs } of holdsOf(series, holder)) {
        found.push(`${instance ?? "-"} ${holder} ${from} ${to} ${usualMs}`);
      }
    }
  }
  return found.sort();
}

export const holdTexts = (records: readonly { [K in keyof HoldRecord]: HoldRecord[K] }[]): string[] =>
  records
    .map(({ instance, holder, from, to, usualMs }) => {
      return `${instance ?? "-"} ${holderKey(holder as Holder)} ${from} ${to} ${usualMs}`;
    })
    .sort();
