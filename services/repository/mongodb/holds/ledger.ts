/**
 * Keeps the holds and stays of GPUs as their stored evidence says, together with the ledgers of other processes. Nearly
 * every block only extends what is open; any other one leads to a recompute. FORMATS.md has the protocol.
 */
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Stay } from "../../placements.ts";
import { insertNew } from "../connection/insert-new.ts";
import { type Link, writing } from "../connection/link.ts";
import type { Collections } from "../documents.ts";
import type { Buckets } from "../readings/buckets.ts";
import { abreast } from "./abreast.ts";
import { type Arrived, createPlanner, type Plan } from "./plan.ts";
import { beatOf, type Pulses } from "./pulses.ts";
import { extendsStay, type Stays } from "./stays.ts";
import { type NamedBlock, Steady } from "./steady.ts";
import type { Turns } from "./turns.ts";

/** How many GPUs to remember, about 2 KB each. */
const KNOWN_MAX = 20_000;
/** How many GPUs are recomputed together. */
const CHUNK = 500;
/** Number of replacements in one command. Some servers take a separate connection for each. */
const UPDATES_MAX = 50;

/** What a save has stored of one GPU. */
export interface GpuArrival extends Arrived {
  readonly blocks: readonly NamedBlock[];
  /** In the order of `from`. */
  readonly sightings: readonly Stay[];
  /** True if a bucket was stored before: its save may not have come to its end. */
  readonly isRepeated: boolean;
}

interface Known {
  readonly steady: Steady;
  /** Stored evidence from this time on does not count yet; infinity: there is none. */
  readonly ahead: number;
  readonly stay: Stay | undefined;
}

export interface HoldLedgerParts {
  readonly buckets: Buckets;
  readonly turns: Turns;
  readonly stays: Stays;
  readonly pulses: Pulses;
  /** Returns the last time that counts as now. */
  readonly lastPresent: () => number;
}

export interface HoldLedger {
  /**
   * Resolves when holds and stays are those of the stored evidence.
   * @throws AppError `unavailable`; call again with the same arrivals, marked as repeated
   */
  learn(arrivals: ReadonlyMap<GpuUuid, GpuArrival>): Promise<void>;
  /** Recomputes the holds of a GPU from `since` on, and adds the sightings to its stays. */
  relearn(gpu: GpuUuid, change: { since: number; until: number; sightings: readonly Stay[] }): Promise<void>;
  /** Recomputes GPUs with evidence that was ahead of the clock when it arrived, once its time has come. */
  catchUp(): Promise<void>;
}

const isIdle = ({ added, changed, gone }: Plan): boolean => added.length + changed.length + gone.length === 0;

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const { first = [], second = [] } = Object.groupBy(items, (item) => (isFirst(item) ? "first" : "second"));
  return [first, second];
}

function merged(one: GpuArrival | undefined, other: GpuArrival): GpuArrival {
  if (one === undefined) return other;
  return {
    gpu: one.gpu,
    since: Math.min(one.since, other.since),
    incoming: new Map([...one.incoming, ...other.incoming]),
    blocks: [],
    until: Math.max(one.until, other.until),
    sightings: [...one.sightings, ...other.sightings].sort((a, b) => a.from - b.from),
    isRepeated: true,
  };
}

export function createHoldLedger(link: Link, collections: Collections, parts: HoldLedgerParts): HoldLedger {
  const { turns, stays, pulses, lastPresent } = parts;
  const { holds } = collections;
  const planner = createPlanner(link, collections, parts);
  const known = new Map<GpuUuid, Known>();
  /** GPUs with evidence ahead of the clock, and from when on it counts. */
  const waitingAhead = new Map<GpuUuid, { readonly ahead: number; readonly arrival: GpuArrival }>();

  const remember = (
    arrival: GpuArrival,
    plan: Plan,
    { turn, stay }: { turn: number; stay: Stay | undefined },
  ): void => {
    const { gpu } = arrival;
    const { ahead } = plan;
    const steady = new Steady({ gpu, turn, since: plan.since, open: plan.open, named: plan.named });
    if (ahead < Number.POSITIVE_INFINITY) waitingAhead.set(gpu, { ahead, arrival });
    else waitingAhead.delete(gpu);
    known.delete(gpu);
    known.set(gpu, { steady, stay, ahead });
    for (const [beat, to] of steady.held()) pulses.noteHeld(gpu, beat, to);
    for (const [oldest] of known) {
      if (known.size <= KNOWN_MAX) break;
      known.delete(oldest);
    }
  };

  const isPresent = ({ from }: Stay): boolean => from <= lastPresent();

  const write = async (plans: readonly Plan[]): Promise<void> => {
    const added = plans.flatMap((plan) => plan.added);
    const there = added.length === 0 ? new Set() : await link.call((signal) => insertNew(link, holds, added, signal));
    const changed = [...plans.flatMap((plan) => plan.changed), ...added.filter((_, index) => there.has(index))];
    for (let start = 0; start < changed.length; start += UPDATES_MAX) {
      const operations = changed.slice(start, start + UPDATES_MAX).map((replacement) => {
        return { replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true } };
      });
      await link.call((signal) => holds.bulkWrite(operations, { ordered: false, ...writing(signal) }));
    }
    const gone = plans.flatMap((plan) => plan.gone);
    if (gone.length > 0) await link.call((signal) => holds.deleteMany({ _id: { $in: gone } }, writing(signal)));
    const ended = changed.filter((document) => document.ended !== null).map(({ _id }) => _id);
    const silent = [...ended, ...gone].map(beatOf);
    if (silent.length > 0) await pulses.forget(silent);
  };

  /** Recomputes GPUs whose documents differ from the evidence, in turns with other writers. */
  const rewrite = async (asked: readonly GpuArrival[]): Promise<void> => {
    await turns.begin(asked.map(({ gpu }) => gpu));
    let open = asked;
    for (let attempt = 0; open.length > 0; attempt++) {
      const refusal = turns.refusal(attempt, (open[0] as GpuArrival).gpu);
      if (refusal !== undefined) throw refusal;
      const turnOf = await turns.of(open.map(({ gpu }) => gpu));
      const plans = await planner.plan(open);
      await write(plans);
      const newest = await abreast(link, open, ({ gpu, sightings }) => stays.add(gpu, sightings.filter(isPresent)));
      const again = new Set(await turns.end(new Map(open.map(({ gpu }) => [gpu, turnOf(gpu).turn]))));
      for (const [index, arrival] of open.entries()) {
        const { gpu } = arrival;
        if (!again.has(gpu)) remember(arrival, plans[index] as Plan, { turn: turnOf(gpu).turn, stay: newest[index] });
      }
      open = open.filter(({ gpu }) => again.has(gpu));
    }
  };

  const recompute = async (asked: readonly GpuArrival[]): Promise<void> => {
    const turnOf = await turns.of(asked.map(({ gpu }) => gpu));
    // Nothing has been written of a GPU without a turn, so it differs.
    const [unwritten, written] = split(asked, ({ gpu }) => turnOf(gpu).turn === 0);
    const newest = await stays.newestOf(written.map(({ gpu }) => gpu));
    const plans = await planner.plan(written);
    const differing = [...unwritten];
    for (const [index, arrival] of written.entries()) {
      const { gpu, sightings } = arrival;
      const plan = plans[index] as Plan;
      const stay = newest.get(gpu);
      const isSame = isIdle(plan) && sightings.filter(isPresent).every((one) => extendsStay(stay, one));
      // While another writer is busy, it may have read the evidence before the new bucket was there.
      if (isSame && !turnOf(gpu).isBusy) remember(arrival, plan, { turn: turnOf(gpu).turn, stay });
      else differing.push(arrival);
    }
    if (differing.length > 0) await rewrite(differing);
  };

  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let waiting = new Map<GpuUuid, GpuArrival>();
  /** One recompute runs at a time; saves that arrive meanwhile share the next one. */
  const recomputeSoon = (arrivals: readonly GpuArrival[]): Promise<void> => {
    for (const arrival of arrivals) {
      known.delete(arrival.gpu);
      const before = waiting.get(arrival.gpu) ?? waitingAhead.get(arrival.gpu)?.arrival;
      waiting.set(arrival.gpu, merged(before, arrival));
    }
    next ??= last.then(async () => {
      const taken = [...waiting.values()];
      next = undefined;
      waiting = new Map();
      for (let start = 0; start < taken.length; start += CHUNK) await recompute(taken.slice(start, start + CHUNK));
    });
    last = next.catch(() => {});
    return next;
  };

  return {
    relearn: (gpu, change) => recomputeSoon([{ gpu, ...change, incoming: new Map(), blocks: [], isRepeated: true }]),
    async catchUp() {
      const present = lastPresent();
      const due = [...waitingAhead].filter(([, { ahead }]) => ahead <= present);
      if (due.length > 0) await recomputeSoon(due.map(([, { arrival }]) => arrival));
    },
    async learn(arrivals) {
      const turnOf = await turns.of([...arrivals.keys()]);
      const present = lastPresent();
      const doubtful: GpuArrival[] = [];
      for (const arrival of arrivals.values()) {
        const { gpu, blocks, sightings, isRepeated } = arrival;
        const { steady, stay, ahead = 0 } = known.get(gpu) ?? {};
        const { turn, isBusy } = turnOf(gpu);
        const isPlain =
          !isRepeated &&
          arrival.until <= present &&
          ahead > present &&
          steady !== undefined &&
          steady.turn === turn &&
          !isBusy &&
          sightings.every((sighting) => extendsStay(stay, sighting)) &&
          blocks.every((block) => steady.admits(block));
        if (!isPlain) doubtful.push(arrival);
        else for (const [beat, to] of steady.held()) pulses.noteHeld(gpu, beat, to);
      }
      if (doubtful.length > 0) await recomputeSoon(doubtful);
    },
  };
}
