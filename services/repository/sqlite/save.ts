/** Saves batches in one transaction: buckets, inventory, holds and positions. */
import { type Batch, type Block, blockHash, hourStartMs } from "../../../schema/batch/batch.ts";
import { BlockEvidence } from "../../../schema/batch/block-evidence.ts";
import { timesOfColumns } from "../../../schema/batch/columns.ts";
import type { Evidence } from "../../../schema/batch/evidence.ts";
import type { GpuFacts, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { type Arrival, type Arrivals, createArrivals } from "../arrivals.ts";
import type { EvidenceMemory } from "../evidence-memory.ts";
import type { SaveOutcome, StoredPosition } from "../port.ts";
import type { Database } from "./database.ts";
import type { EvidenceTable } from "./evidence-table.ts";
import type { HoldKeeper, StoredBlock } from "./hold-keeper.ts";
import type { KnownGpu, KnownGpus } from "./known-gpus.ts";
import type { SeriesLists } from "./series-lists.ts";
import type { SightingLearner } from "./sighting-learner.ts";

/**
 * Hexadecimal digits kept of a block's hash: 48 bits, which a JavaScript number holds exactly. They only have to
 * distinguish blocks of one GPU with the same end.
 */
const HASH_DIGITS = 12;

export interface IncomingBlock {
  readonly batch: Batch;
  readonly block: Block;
  /** The holders that the block's series name; null: none. */
  readonly evidence: Evidence | null;
  readonly hash: number;
}

/** Hashes blocks before the transaction begins, because hashing is most of the work that needs no lock. */
export const hashBlocks = (batches: readonly Batch[], memory: EvidenceMemory): IncomingBlock[] =>
  batches.flatMap((batch) => {
    const evidences = new BlockEvidence(batch);
    return batch.blocks.map((block) => {
      const evidence = memory.of(
        block.gpu,
        evidences.of(block, () => timesOfColumns(block.packed)),
      );
      // A block of version 1 is hashed without what its sightings say.
      const text = blockHash(block, batch.series, block.evidence && evidence);
      const hash = Number.parseInt(text.slice(0, HASH_DIGITS), 16);
      return { batch, block, evidence, hash };
    });
  });

/** Returns a function that returns the times of a sighting's readings, ascending. */
function createTimesOf(): (arrival: Arrival) => number[] {
  const blocksOf = new Map<Batch, ReadonlyMap<GpuUuid, readonly Block[]>>();
  return ({ batch, sighting: { facts, from, to } }) => {
    const byGpu = blocksOf.get(batch) ?? Map.groupBy(batch.blocks, ({ gpu }) => gpu);
    blocksOf.set(batch, byGpu);
    const blocks = (byGpu.get(facts.uuid) ?? []).filter((block) => block.from <= to && block.to >= from);
    const times = new Set(blocks.flatMap(({ packed }) => [...timesOfColumns(packed)]));
    return [...times].filter((time) => time >= from && time <= to).sort((a, b) => a - b);
  };
}

/** Returns the facts of the first sighting of each GPU. */
const factsIn = ({ sightings }: Batch): ReadonlyMap<GpuUuid, GpuFacts> =>
  new Map(sightings.toReversed().map(({ facts }) => [facts.uuid, facts]));

/** Returns a function that returns the id of a block's list of series. Blocks of a batch share their lists. */
function createListOf(seriesLists: SeriesLists): (batch: Batch, block: Block) => number {
  const ids = new Map<readonly number[], { readonly batch: Batch; readonly id: number }>();
  return (batch, { series }) => {
    const known = ids.get(series);
    if (known?.batch === batch) return known.id;
    const id = seriesLists.idOf(series.map((index) => batch.series[index] as Series));
    ids.set(series, { batch, id });
    return id;
  };
}

export interface SaveParts {
  readonly database: Database;
  readonly seriesLists: SeriesLists;
  readonly evidenceTable: EvidenceTable;
  readonly known: KnownGpus;
  readonly learner: SightingLearner;
  readonly keeper: HoldKeeper;
}

export interface SaveTimes {
  /** Blocks that end before this time are too old. */
  readonly cutoff: number;
  /** Last time that counts as now. */
  readonly present: number;
}

export type Save = (
  blocks: readonly IncomingBlock[],
  positions: readonly StoredPosition[],
  times: SaveTimes,
) => SaveOutcome;

/** Call the returned function inside `database.write`. */
export function createSave({ database, seriesLists, evidenceTable, known, learner, keeper }: SaveParts): Save {
  const lastColumns = database.prepare("SELECT coalesce(max(id), 0) FROM columns");
  const addBucket = database.prepare(
    "INSERT OR IGNORE INTO buckets (gpu, last_at, hash, span, list, columns, evidence) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const addColumns = database.prepare("INSERT INTO columns (id, packed) VALUES (?, ?)");
  const addHour = database.prepare(
    `INSERT INTO gpu_lists (gpu, list, newest_hour) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET newest_hour = excluded.newest_hour WHERE excluded.newest_hour > newest_hour`,
  );
  const addPosition = database.prepare(
    `INSERT INTO positions (producer, epoch, seq, position) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, position = excluded.position
     WHERE (excluded.epoch, excluded.seq) > (epoch, seq)`,
  );

  const storeBlocks = (
    blocks: readonly IncomingBlock[],
    cutoff: number,
    { arrivals, stored }: { arrivals: Arrivals; stored: Map<KnownGpu, StoredBlock[]> },
  ): SaveOutcome => {
    const outcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };
    const seen = new Map<Batch, ReadonlyMap<GpuUuid, GpuFacts>>();
    const newGpu = (batch: Batch, uuid: GpuUuid): KnownGpu => {
      const facts = seen.get(batch) ?? factsIn(batch);
      seen.set(batch, facts);
      return known.add(facts.get(uuid) as GpuFacts);
    };
    const listOf = createListOf(seriesLists);
    let columns = (lastColumns.get()?.[0] as number) + 1;
    for (const { batch, block, evidence, hash } of blocks) {
      const { gpu: uuid, from, to, readings, packed } = block;
      if (to < cutoff) {
        outcome.tooOld += readings;
        continue;
      }
      const gpu = known.find(uuid) ?? newGpu(batch, uuid);
      const list = listOf(batch, block);
      const fresh =
        addBucket.run(gpu.id, to, hash, to - from, list, columns, evidenceTable.idOf(evidence)).changes !== 0;
      arrivals.add(batch, uuid, fresh);
      if (!fresh) {
        outcome.duplicateBuckets++;
        outcome.duplicateReadings += readings;
        continue;
      }
      const ofGpu = stored.get(gpu);
      const storedBlock = { block, series: seriesLists.seriesOf(list), evidence };
      if (ofGpu === undefined) stored.set(gpu, [storedBlock]);
      else ofGpu.push(storedBlock);
      addColumns.run(columns++, packed);
      outcome.buckets++;
      outcome.readings += readings;
      const hour = hourStartMs(to);
      if (hour > (gpu.hours.get(list) ?? Number.NEGATIVE_INFINITY)) {
        addHour.run(gpu.id, list, hour);
        gpu.hours.set(list, hour);
      }
    }
    return outcome;
  };

  return (blocks, positions, { cutoff, present }) => {
    known.refresh();
    const arrivals = createArrivals();
    const stored = new Map<KnownGpu, StoredBlock[]>();
    const outcome = storeBlocks(blocks, cutoff, { arrivals, stored });
    for (const [gpu, ofGpu] of stored) {
      keeper.learn(gpu, ofGpu, gpu.gpu?.lastSeen ?? Number.NEGATIVE_INFINITY, present);
    }
    const timesOf = createTimesOf();
    for (const [uuid, learned] of arrivals.byGpu()) {
      const gpu = known.find(uuid) as KnownGpu;
      learner.learn(
        gpu,
        learned.map((one) => ({ ...one, times: () => timesOf(one) })),
        present,
      );
      keeper.write(gpu, gpu.gpu?.lastSeen);
      keeper.checkSilence(gpu, gpu.gpu?.lastSeen ?? Number.NEGATIVE_INFINITY, present);
    }
    for (const { producer, epoch, seq, position } of positions) addPosition.run(producer, epoch, seq, position);
    return outcome;
  };
}
