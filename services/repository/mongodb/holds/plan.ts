/** Works out which hold documents of one GPU differ from its stored evidence. */
import type { Evidence } from "../../../../schema/batch/evidence.ts";
import type { GpuUuid } from "../../../../schema/model/gpu.ts";
import type { Series } from "../../../../schema/model/reading.ts";
import type { EarlierHolders } from "../../holds/bucket-evidence.ts";
import { derive, type HoldRecord, isOpenAt } from "../../holds/derive.ts";
import { SHORTEST_SILENCE_MS } from "../../holds/silence.ts";
import type { GpuEvidence } from "../../holds/timeline.ts";
import { deriveFrom } from "../../holds/window.ts";
import { type Link, reading } from "../connection/link.ts";
import type { Collections, HoldDocument } from "../documents.ts";
import { dateOf } from "../readings/bucket-documents.ts";
import type { Buckets } from "../readings/buckets.ts";
import { abreast } from "./abreast.ts";
import { earlierHolders } from "./earlier-attributions.ts";
import { type Gathered, gatherEvidence } from "./gathered-evidence.ts";
import { holdDocument, holdId, recordOf } from "./hold-documents.ts";

/** How far before the new readings to ask for holds: a recompute begins up to 21 readings before them. */
const NEAR_MS = 3_600_000;

/** What has arrived of one GPU. */
export interface Arrived {
  readonly gpu: GpuUuid;
  /** Time of the first reading. */
  readonly since: number;
  /** Time of the last reading. */
  readonly until: number;
  /** By bucket id; empty: only stored buckets count. */
  readonly incoming: ReadonlyMap<string, Evidence | null>;
}

export interface Plan {
  /** Documents to insert. */
  readonly added: readonly HoldDocument[];
  /** Documents to replace. */
  readonly changed: readonly HoldDocument[];
  /** Ids of documents to delete. */
  readonly gone: readonly string[];
  /** Holds that have not ended. */
  readonly open: readonly HoldRecord[];
  readonly named: ReadonlyMap<Series, string>;
  /** Time of the first reading that does not count yet; infinity: there is none. */
  readonly ahead: number;
  /** Nothing has changed after this time. */
  readonly since: number;
}

const patienceMs = (usualMs: number): number => Math.max(SHORTEST_SILENCE_MS, 3 * usualMs);

/**
 * True if the stored document says the same as the derived one. Pulses tell how long an open hold lasts. They do not
 * follow a hold that is silent by the newest reading of its GPU.
 */
function isStored(derived: HoldDocument, stored: HoldDocument, newest: number): boolean {
  if (derived.ended?.getTime() !== stored.ended?.getTime()) return false;
  if (derived.ended === null && patienceMs(derived.usualMs) !== patienceMs(stored.usualMs)) return false;
  return isOpenAt(recordOf(derived), newest) || derived.to.getTime() === stored.to.getTime();
}

/**
 * Returns the last time at which a series began or ceased to name a holder, ended, or was silent, and at which a hold
 * began or ended. Later readings that name what is named since then change nothing, in whatever order they arrive.
 */
function lastChange({ instances }: GpuEvidence, derived: readonly HoldRecord[]): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const { timelines } of instances) {
    for (const { at, named, marks } of timelines) {
      const isChange = (time: number, index: number) =>
        index > 0 && (named[index] !== named[index - 1] || time - (at[index - 1] as number) >= SHORTEST_SILENCE_MS);
      last = Math.max(last, at.findLast(isChange) ?? last, marks.at(-1)?.at ?? last);
    }
  }
  for (const { from, ended } of derived) last = Math.max(last, from, ended ?? last);
  return last;
}

const reaches = ({ ended }: HoldDocument, time: number): boolean => ended === null || ended.getTime() >= time;

/** The evidence of a GPU with its stored holds. */
interface Known {
  readonly arrived: Arrived;
  readonly ahead: number;
  readonly near: readonly HoldDocument[];
  readonly gathered: Gathered;
}

export interface Planner {
  /** Returns the plans in the order of the arrivals. */
  plan(arrivals: readonly Arrived[]): Promise<readonly Plan[]>;
}

/** @param lastPresent returns the last time that counts as now */
export function createPlanner(
  link: Link,
  { holds: collection, attributions }: Pick<Collections, "holds" | "attributions">,
  { buckets, lastPresent }: { buckets: Buckets; lastPresent: () => number },
): Planner {
  const { call } = link;
  /** Returns the holds of GPUs that were open at a time or began later. */
  const storedFrom = (gpus: readonly GpuUuid[], time: number) =>
    call((signal) =>
      collection
        .find(
          { gpu: { $in: gpus as GpuUuid[] }, $or: [{ ended: null }, { ended: { $gte: dateOf(time) } }] },
          reading(signal),
        )
        .toArray(),
    );

  const nearOf = async (arrivals: readonly Arrived[]): Promise<ReadonlyMap<GpuUuid, HoldDocument[]>> => {
    const since = Math.min(...arrivals.map((arrived) => arrived.since));
    const gpus = arrivals.map(({ gpu }) => gpu);
    return Map.groupBy(await storedFrom(gpus, since - NEAR_MS), ({ gpu }) => gpu);
  };
  const earlierOf = async (gpu: GpuUuid): Promise<EarlierHolders> =>
    earlierHolders(await call((signal) => attributions.find({ gpu }, reading(signal)).toArray()));

  const firstAfter = (gpu: GpuUuid, time: number): Promise<number> =>
    call(async (signal) => {
      const tick = await buckets.tickAfter(gpu, time, Number.MAX_SAFE_INTEGER, signal);
      return tick ?? Number.POSITIVE_INFINITY;
    });

  const planOf = async ({ arrived: { gpu, since }, ahead, near, gathered }: Known): Promise<Plan> => {
    const { evidence, named } = gathered;
    const from = deriveFrom(evidence, since);
    const all = from < since - NEAR_MS ? await storedFrom([gpu], from) : near;
    const stored = all.filter((document) => reaches(document, from));
    const before = stored.map(recordOf).filter((record) => record.from < from);
    const { records: derived, unsettledFrom } = derive(evidence, { from, holds: before });
    const known = new Map(stored.map((document) => [document._id, document]));
    const documents = derived.map((record) => holdDocument(gpu, record));
    const kept = new Set(documents.map(({ _id }) => _id));
    // A hold that began earlier stays, although the evidence that was read has none of it.
    const isGone = ({ _id, from: begin }: HoldDocument) => !kept.has(_id) && begin.getTime() >= from;
    const changed = documents.filter((document) => {
      const old = known.get(document._id);
      return old !== undefined && !isStored(document, old, evidence.newest);
    });
    return {
      added: documents.filter(({ _id }) => !known.has(_id)),
      changed,
      gone: stored.filter(isGone).map(({ _id }) => _id),
      open: [...derived, ...before.filter((record) => !kept.has(holdId(gpu, record)))].filter((record) =>
        isOpenAt(record, evidence.newest),
      ),
      named,
      since: unsettledFrom < Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : lastChange(evidence, derived),
      ahead,
    };
  };

  return {
    async plan(arrivals) {
      if (arrivals.length === 0) return [];
      const until = lastPresent();
      const ahead = await abreast(link, arrivals, ({ gpu, until: last }) =>
        last > until ? firstAfter(gpu, until) : Promise.resolve(Number.POSITIVE_INFINITY),
      );
      const nearBy = await nearOf(arrivals);
      const near = (gpu: GpuUuid): readonly HoldDocument[] => nearBy.get(gpu) ?? [];
      // The others have no hold that reaches the new readings, which name no holder.
      const concerned = arrivals.filter(({ gpu, since, incoming }) => {
        const namesNobody = incoming.size > 0 && [...incoming.values()].every((evidence) => evidence === null);
        return !namesNobody || near(gpu).some((one) => reaches(one, since));
      });
      const requests = concerned.map(({ gpu, since, incoming }) => {
        return [gpu, { since, until, incoming, earlier: () => earlierOf(gpu) }] as const;
      });
      const gathered = await gatherEvidence(link, buckets, new Map(requests));
      return await abreast(link, [...arrivals.entries()], async ([index, arrived]) => {
        const ofGpu = gathered.get(arrived.gpu);
        const known = { arrived, ahead: ahead[index] as number, near: near(arrived.gpu) };
        if (ofGpu !== undefined) return await planOf({ ...known, gathered: ofGpu });
        return { ...NO_CHANGE, since: arrived.since - 1, ahead: known.ahead };
      });
    },
  };
}

const NO_CHANGE = { added: [], changed: [], gone: [], open: [], named: new Map() } as const;
