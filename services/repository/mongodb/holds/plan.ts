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
import { earlierHolders } from "./earlier-attributions.ts";
import { gatherEvidence } from "./gathered-evidence.ts";
import { holdDocument, holdId, recordOf } from "./hold-documents.ts";

/** Time limit of reading one GPU's evidence. */
const READ_LIMIT_MS = 60_000;

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

/** True if the stored document says the same as the derived one. An open hold's pulses tell how long it lasts. */
function isStored(derived: HoldDocument, stored: HoldDocument): boolean {
  if (derived.ended?.getTime() !== stored.ended?.getTime()) return false;
  return derived.ended === null
    ? patienceMs(derived.usualMs) === patienceMs(stored.usualMs)
    : derived.to.getTime() === stored.to.getTime();
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

export interface Planner {
  plan(arrived: Arrived): Promise<Plan>;
}

/** @param lastPresent returns the last time that counts as now */
export function createPlanner(
  { call }: Link,
  { holds: collection, attributions }: Pick<Collections, "holds" | "attributions">,
  { buckets, lastPresent }: { buckets: Buckets; lastPresent: () => number },
): Planner {
  /** Returns the holds that were open at a time or began later. */
  const storedFrom = (gpu: GpuUuid, time: number) =>
    call((signal) =>
      collection.find({ gpu, $or: [{ ended: null }, { ended: { $gte: dateOf(time) } }] }, reading(signal)).toArray(),
    );

  const earlierOf = async (gpu: GpuUuid): Promise<EarlierHolders> =>
    earlierHolders(await call((signal) => attributions.find({ gpu }, reading(signal)).toArray()));

  const firstAfter = (gpu: GpuUuid, time: number): Promise<number> =>
    call(async (signal) => {
      const tick = await buckets.tickAfter(gpu, time, Number.MAX_SAFE_INTEGER, signal);
      return tick ?? Number.POSITIVE_INFINITY;
    });

  return {
    async plan({ gpu, since, until: last, incoming }) {
      const until = lastPresent();
      const ahead = last > until ? await firstAfter(gpu, until) : Number.POSITIVE_INFINITY;
      const near = await storedFrom(gpu, since);
      const namesNobody = incoming.size > 0 && [...incoming.values()].every((evidence) => evidence === null);
      if (near.length === 0 && namesNobody) {
        // No hold reaches the new readings, and they name no holder.
        return {
          added: [],
          changed: [],
          gone: [],
          open: [],
          named: new Map(),
          since: since - 1,
          ahead,
        };
      }
      const gathered = await call(
        (signal) => gatherEvidence(buckets, gpu, { since, until, incoming, earlier: () => earlierOf(gpu), signal }),
        { limitMs: READ_LIMIT_MS },
      );
      const { evidence, named } = gathered;
      const from = deriveFrom(evidence, since);
      const stored = from < since ? await storedFrom(gpu, from) : near;
      const before = stored.map(recordOf).filter((record) => record.from < from);
      const { records: derived, unsettledFrom } = derive(evidence, { from, holds: before });
      const known = new Map(stored.map((document) => [document._id, document]));
      const documents = derived.map((record) => holdDocument(gpu, record));
      const kept = new Set(documents.map(({ _id }) => _id));
      // A hold that began earlier stays, although the evidence that was read has none of it.
      const isGone = ({ _id, from: begin }: HoldDocument) => !kept.has(_id) && begin.getTime() >= from;
      const changed = documents.filter((document) => {
        const old = known.get(document._id);
        return old !== undefined && !isStored(document, old);
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
    },
  };
}
