/** Which readings of a GPU count for which group: those at times when its holder or host belongs to the group. */
import type { Gpu, Hold, Placement } from "../../../schema/model/gpu.ts";
import { holderKey } from "../../../schema/model/holder.ts";
import { asksHolder, concerns, type HolderFilter, meetsHolder } from "../held-readings.ts";
import type { ShareOf, Stretch } from "./fold.ts";

export const GROUPINGS = ["GPU", "INSTANCE", "HOST", "MODEL", "NAMESPACE", "POD", "JOB"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** A reading must meet every condition that is given; those of holders by one holder at the time of the reading. */
export interface SeriesFilter extends HolderFilter {
  readonly uuid?: string | undefined;
  readonly hostname?: string | undefined;
  readonly model?: string | undefined;
  /** MIG instance. */
  readonly instance?: string | undefined;
}

/** What tells a group from others; null where it is not asked for. */
export interface GroupKey {
  readonly gpu: string | null;
  readonly instance: string | null;
  readonly host: string | null;
  readonly model: string | null;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly job: string | null;
}

/** The readings of a GPU or instance that count for a group. */
export interface Membership {
  readonly key: GroupKey;
  /** Ascending, apart from each other. */
  readonly stretches: readonly Stretch[];
  readonly shareOf: ShareOf;
  /** Whether another holder had the GPU or instance, too, in one of the stretches. */
  readonly isShared: boolean;
}

export const asksHolders = ({ filter, groupBy }: SeriesQuestion): boolean =>
  asksHolder(filter) ||
  groupBy.some((grouping) => grouping === "NAMESPACE" || grouping === "POD" || grouping === "JOB");

export const asksHosts = ({ filter, groupBy }: SeriesQuestion): boolean =>
  filter.hostname !== undefined || groupBy.includes("HOST");

export interface SeriesQuestion {
  readonly filter: SeriesFilter;
  readonly groupBy: readonly Grouping[];
}

const EVER: Stretch = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

const overlap = (a: Stretch, b: Stretch): Stretch | undefined => {
  const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
  return from <= to ? { from, to } : undefined;
};

/** Unites stretches that overlap or touch. */
function united(stretches: readonly Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  for (const stretch of stretches.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last === undefined || stretch.from > last.to) all.push({ from: stretch.from, to: stretch.to });
    else all[all.length - 1] = { from: last.from, to: Math.max(last.to, stretch.to) };
  }
  return all;
}

interface Part extends Stretch {
  readonly key: GroupKey;
  readonly hold: Hold | undefined;
}

/** The names of a holder that the question groups by; undefined if it has none of a kind: a job has no namespace. */
function namesOf(
  { holder }: Hold,
  groupBy: readonly Grouping[],
): Pick<GroupKey, "namespace" | "pod" | "job"> | undefined {
  const isPod = holder.kind === "pod";
  const byPod = groupBy.includes("POD");
  const byNamespace = byPod || groupBy.includes("NAMESPACE");
  const byJob = groupBy.includes("JOB");
  if ((byNamespace && !isPod && !byJob) || (byJob && isPod && !byNamespace)) return undefined;
  return {
    namespace: isPod && byNamespace ? holder.namespace : null,
    pod: isPod && byPod ? holder.pod : null,
    job: !isPod && byJob ? holder.job : null,
  };
}

/** Splits a step of a counter evenly among those who hold at both its readings. */
function sharesOf(own: readonly Hold[], all: readonly Hold[]): ShareOf {
  const ownKeys = new Set(own.map(({ holder }) => holderKey(holder)));
  if (all.every(({ holder }) => ownKeys.has(holderKey(holder)))) return () => 1;
  const holdersIn = (holds: readonly Hold[], before: number, at: number) =>
    new Set(holds.filter(({ from, to }) => from <= before && at <= to).map(({ holder }) => holderKey(holder))).size;
  return (before, at) => {
    const every = holdersIn(all, before, at);
    return every === 0 ? 0 : holdersIn(own, before, at) / every;
  };
}

/** Returns the times at which several holders have the GPU or instance. */
function sharedStretches(holds: readonly Hold[]): Stretch[] {
  const shared: Stretch[] = [];
  // The holder that is open longest, and how long any other one is.
  let longest = { key: "", to: Number.NEGATIVE_INFINITY };
  let other = Number.NEGATIVE_INFINITY;
  for (const { holder, from, to } of holds.toSorted((a, b) => a.from - b.from)) {
    const key = holderKey(holder);
    const until = key === longest.key ? other : longest.to;
    if (from <= until) shared.push({ from, to: Math.min(to, until) });
    if (key === longest.key) {
      longest = { key, to: Math.max(longest.to, to) };
    } else if (to > longest.to) {
      other = longest.to;
      longest = { key, to };
    } else {
      other = Math.max(other, to);
    }
  }
  return shared;
}

export interface Known {
  readonly gpu: Gpu;
  /** Of the GPU and its instances; unused if the question does not ask for holders. */
  readonly holds: readonly Hold[];
  /** Unused if the question does not ask for hosts. */
  readonly placements: readonly Placement[];
}

/**
 * Returns the groups to which readings of the GPU's card (`instance` null) or instance belong, and when. Readings of an
 * instance belong to holders of it or of the card; readings of the card to holders of the card or of any instance.
 */
export function membershipsOf(
  { gpu, holds, placements }: Known,
  instance: string | null,
  question: SeriesQuestion,
): Membership[] {
  const { filter, groupBy } = question;
  if (filter.instance !== undefined && filter.instance !== instance) return [];
  const concerned = asksHolders(question) ? holds.filter((hold) => concerns(hold, instance)) : [];
  const hosts = asksHosts(question)
    ? placements.filter(({ host }) => filter.hostname === undefined || host === filter.hostname)
    : [{ ...EVER, host: gpu.host }];
  const held: (Stretch & { readonly hold: Hold | undefined })[] = asksHolders(question)
    ? concerned.filter((hold) => meetsHolder(hold, filter)).map((hold) => ({ from: hold.from, to: hold.to, hold }))
    : [{ ...EVER, hold: undefined }];
  const fixed = {
    gpu: groupBy.includes("GPU") || groupBy.includes("INSTANCE") ? gpu.uuid : null,
    instance: groupBy.includes("INSTANCE") ? instance : null,
    model: groupBy.includes("MODEL") ? gpu.model : null,
  };
  const parts = hosts.flatMap((at): Part[] =>
    held.flatMap(({ hold, ...stretch }) => {
      const common = overlap(at, stretch);
      const names = hold === undefined ? { namespace: null, pod: null, job: null } : namesOf(hold, groupBy);
      if (common === undefined || names === undefined) return [];
      return [{ ...common, hold, key: { ...fixed, host: groupBy.includes("HOST") ? at.host : null, ...names } }];
    }),
  );
  const shared = sharedStretches(concerned);
  return [...Map.groupBy(parts, ({ key }) => JSON.stringify(key)).values()].map((ofKey): Membership => {
    const own = ofKey.flatMap(({ hold }) => (hold === undefined ? [] : [hold]));
    const stretches = united(ofKey);
    return {
      key: (ofKey[0] as Part).key,
      stretches,
      shareOf: own.length === 0 ? () => 1 : sharesOf(own, concerned),
      isShared: shared.some((one) => stretches.some((stretch) => overlap(one, stretch) !== undefined)),
    };
  });
}
