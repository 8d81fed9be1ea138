/** Blocks on their way into the store, and what they tell about holds and stays. */
import { type Batch, type Block, bucketId, type Sighting } from "../../../schema/batch/batch.ts";
import type { BlockEvidence } from "../../../schema/batch/block-evidence.ts";
import type { Columns } from "../../../schema/batch/columns.ts";
import type { Evidence } from "../../../schema/batch/evidence.ts";
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import { unpackBucket } from "../bucket.ts";
import type { Stay } from "../placements.ts";
import type { GpuArrival } from "./holds/ledger.ts";
import type { SeriesList } from "./readings/series-lists.ts";

export interface Incoming {
  readonly block: Block;
  readonly batch: Batch;
  readonly list: SeriesList;
  readonly id: string;
  readonly columns: Columns;
  readonly evidence: Evidence | null;
  /** Number of the block's documents that were new. */
  fresh: number;
}

export function createIncoming(
  batch: Batch,
  block: Block,
  { list, evidence }: { list: SeriesList; evidence: BlockEvidence },
): Incoming {
  // Unpacked each time: a save may have more blocks than the memory should hold unpacked.
  const unpacked = () => unpackBucket(block.gpu, block.from, block.packed);
  return {
    block,
    batch,
    list,
    id: bucketId(block, batch.series),
    get columns() {
      return unpacked();
    },
    evidence: evidence.of(block, () => unpacked().at),
    fresh: 0,
  };
}

const stayOf = ({ facts, from, to }: Sighting): Stay => ({ host: facts.host, index: facts.index, from, to });

/** Groups stored blocks by GPU. @param sightings of GPUs with a stored block */
export function arrivalsOf(
  incoming: readonly Incoming[],
  sightings: Iterable<Sighting>,
): ReadonlyMap<GpuUuid, GpuArrival> {
  const seen = Map.groupBy(sightings, ({ facts }) => facts.uuid);
  const arrivals = new Map<GpuUuid, GpuArrival>();
  for (const [gpu, blocks] of Map.groupBy(incoming, ({ block }) => block.gpu)) {
    // A host without a name is unknown, so it has no slots.
    const stays = (seen.get(gpu) ?? []).map(stayOf).filter(({ host }) => host !== "");
    arrivals.set(gpu, {
      gpu,
      since: Math.min(...blocks.map(({ block }) => block.from)),
      until: Math.max(...blocks.map(({ block }) => block.to)),
      incoming: new Map(blocks.map(({ id, evidence }) => [id, evidence])),
      blocks: blocks
        .toSorted((a, b) => a.block.from - b.block.from)
        .map((one) => ({
          from: one.block.from,
          series: one.list.series,
          evidence: one.evidence,
          get columns() {
            return one.columns;
          },
        })),
      sightings: stays.sort((a, b) => a.from - b.from),
      isRepeated: blocks.some(({ fresh }) => fresh === 0),
    });
  }
  return arrivals;
}
