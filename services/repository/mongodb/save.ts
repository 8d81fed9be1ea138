/** Saves batches: first their buckets, then inventory, holds and stays, then positions. */
import { setImmediate } from "node:timers/promises";
import type { Batch } from "../../../schema/batch/batch.ts";
import { BlockEvidence } from "../../../schema/batch/block-evidence.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { type Arrivals, createArrivals } from "../arrivals.ts";
import type { SaveOptions, SaveOutcome } from "../port.ts";
import { insertNew } from "./connection/insert-new.ts";
import { type Link, reading, writing } from "./connection/link.ts";
import type { BucketDocument, Collections } from "./documents.ts";
import { arrivalsOf, createIncoming, type Incoming } from "./incoming.ts";
import type { Learner } from "./inventory/learner.ts";
import type { Positions } from "./positions.ts";
import { CELLS_MAX, documentsOf } from "./readings/bucket-documents.ts";
import type { SeriesLists } from "./readings/series-lists.ts";

/** How many cells (times × series) a command may have: about 10 MB, because a number takes about 12 bytes. */
const CHUNK_CELLS = 6 * CELLS_MAX;
const CHUNK_DOCUMENTS = 1000;

export interface SaveParts {
  readonly link: Link;
  readonly collections: Collections;
  readonly lists: SeriesLists;
  readonly learner: Learner;
  readonly positions: Positions;
  /** Version of the bucket documents to write. */
  readonly format: BucketDocument["v"];
}

interface Chunk {
  readonly documents: BucketDocument[];
  readonly owners: Incoming[];
  cells: number;
}

const emptyChunk = (): Chunk => ({ documents: [], owners: [], cells: 0 });

/** Yields the documents in bounded chunks; builds a chunk only after the previous one is stored. */
function* chunksOf(incoming: readonly Incoming[], format: BucketDocument["v"]): Generator<Chunk> {
  let chunk = emptyChunk();
  for (const one of incoming) {
    const { block, list, id, evidence, columns } = one;
    for (const document of documentsOf(block.gpu, columns, list, { id, format, evidence })) {
      const cells = document.at.length * one.list.fields.length;
      const isFull = chunk.documents.length === CHUNK_DOCUMENTS || chunk.cells + cells > CHUNK_CELLS;
      if (isFull) {
        yield chunk;
        chunk = emptyChunk();
      }
      chunk.documents.push(document);
      chunk.owners.push(one);
      chunk.cells += cells;
    }
  }
  if (chunk.documents.length > 0) yield chunk;
}

/**
 * Adds the holders to buckets that a release before version 2 has stored: its process may have ended before it stored
 * them elsewhere.
 */
async function addEvidence(
  { points }: Collections,
  documents: readonly BucketDocument[],
  signal: AbortSignal,
): Promise<void> {
  const isLacking = { v: 1, held: { $exists: false } } as const;
  const ids = documents.map(({ _id }) => _id);
  const options = { ...reading(signal), projection: { _id: 1 } };
  const found = await points.find({ _id: { $in: ids }, ...isLacking }, options).toArray();
  if (found.length === 0) return;
  const lacking = new Set(found.map(({ _id }) => _id));
  const operations = documents
    .filter(({ _id }) => lacking.has(_id))
    .map(({ _id, held = null }) => ({ updateOne: { filter: { _id, ...isLacking }, update: { $set: { held } } } }));
  await points.bulkWrite(operations, { ordered: false, ...writing(signal) });
}

export function createSave({ link, collections, lists, learner, positions, format }: SaveParts) {
  const store = async (incoming: readonly Incoming[], signal: AbortSignal | undefined): Promise<void> => {
    for (const { documents, owners } of chunksOf(incoming, format)) {
      const there = await link.call((callSignal) => insertNew(link, collections.points, documents, callSignal), {
        signal,
      });
      for (const [index, owner] of owners.entries()) if (!there.has(index)) owner.fresh++;
      const stored = documents.filter((_, index) => there.has(index));
      if (stored.length > 0) await link.call((callSignal) => addEvidence(collections, stored, callSignal), { signal });
      await setImmediate();
    }
  };

  return async (
    batches: readonly Batch[],
    cutoff: number,
    { positions: ends = [], signal }: SaveOptions,
  ): Promise<SaveOutcome> => {
    const outcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };
    const incoming: Incoming[] = [];
    for (const batch of batches) {
      const evidence = new BlockEvidence(batch);
      for (const block of batch.blocks) {
        if (block.to < cutoff) {
          outcome.tooOld += block.readings;
          continue;
        }
        const list = lists.of(block.series.map((index) => batch.series[index] as Series));
        incoming.push(createIncoming(batch, block, { list, evidence }));
      }
    }
    await store(incoming, signal);

    const arrivals: Arrivals = createArrivals();
    for (const { batch, block, fresh } of incoming) {
      const isFresh = fresh > 0;
      outcome[isFresh ? "buckets" : "duplicateBuckets"]++;
      outcome[isFresh ? "readings" : "duplicateReadings"] += block.readings;
      arrivals.add(batch, block.gpu, isFresh);
    }
    await learner.learn({
      sightings: arrivals.facts(),
      stored: incoming,
      arrivals: arrivalsOf(incoming, arrivals.facts()),
    });
    if (ends.length > 0) await positions.advance(ends, { signal });
    return outcome;
  };
}
