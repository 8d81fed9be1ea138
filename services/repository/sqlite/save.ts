/** Saves batches in one transaction: buckets, inventory, attribution and positions. */
import { type Batch, type Block, blockHash, hourStartMs } from "../../../schema/batch/batch.ts";
import type { Gpu, GpuUuid } from "../../../schema/model/gpu.ts";
import type { Series } from "../../../schema/model/reading.ts";
import { type Arrivals, createArrivals } from "../arrivals.ts";
import { type Held, holderOf, sameHolder } from "../holders.ts";
import { afterSighting, sameFacts } from "../inventory.ts";
import type { SaveOutcome, StoredPosition } from "../port.ts";
import type { AttributionTable } from "./attributions.ts";
import type { Buckets } from "./buckets.ts";
import type { Database } from "./database.ts";
import type { GpuTable } from "./gpus.ts";
import type { KnownGpu, KnownGpus } from "./known-gpus.ts";
import type { SeriesLists } from "./series-lists.ts";
import { findTicks } from "./ticks.ts";

/**
 * Hexadecimal digits kept of a block's hash: 48 bits, which a JavaScript number holds exactly. They only have to
 * distinguish blocks of one GPU with the same end.
 */
const HASH_DIGITS = 12;

export interface IncomingBlock {
  readonly batch: Batch;
  readonly block: Block;
  readonly hash: number;
}

/** Hashes blocks before the transaction begins, because hashing is most of the work that needs no lock. */
export const hashBlocks = (batches: readonly Batch[]): IncomingBlock[] =>
  batches.flatMap((batch) =>
    batch.blocks.map((block) => ({
      batch,
      block,
      hash: Number.parseInt(blockHash(block, batch.series).slice(0, HASH_DIGITS), 16),
    })),
  );

/** The GPUs of a batch as all of its sightings together show them. */
function gpusIn({ sightings }: Batch): ReadonlyMap<GpuUuid, Gpu> {
  const gpus = new Map<GpuUuid, Gpu>();
  for (const sighting of sightings) {
    const { uuid } = sighting.facts;
    gpus.set(uuid, afterSighting(gpus.get(uuid), sighting));
  }
  return gpus;
}

export interface SaveParts {
  readonly database: Database;
  readonly seriesLists: SeriesLists;
  readonly known: KnownGpus;
  readonly gpus: GpuTable;
  readonly attributions: AttributionTable;
  readonly buckets: Buckets;
}

export type Save = (
  blocks: readonly IncomingBlock[],
  positions: readonly StoredPosition[],
  cutoff: number,
) => SaveOutcome;

/** Call the returned function inside `database.write`. */
export function createSave({ database, seriesLists, known, gpus, attributions, buckets }: SaveParts): Save {
  const lastColumns = database.prepare("SELECT coalesce(max(id), 0) FROM columns");
  const addBucket = database.prepare(
    "INSERT OR IGNORE INTO buckets (gpu, last_at, hash, span, list, columns) VALUES (?, ?, ?, ?, ?, ?)",
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

  const storeBlocks = (blocks: readonly IncomingBlock[], cutoff: number, arrivals: Arrivals): SaveOutcome => {
    const outcome = { buckets: 0, duplicateBuckets: 0, readings: 0, duplicateReadings: 0, tooOld: 0 };
    const seen = new Map<Batch, ReadonlyMap<GpuUuid, Gpu>>();
    const newGpu = (batch: Batch, uuid: GpuUuid): KnownGpu => {
      const gpus = seen.get(batch) ?? gpusIn(batch);
      seen.set(batch, gpus);
      return known.add(gpus.get(uuid) as Gpu);
    };
    let columns = (lastColumns.get()?.[0] as number) + 1;
    for (const { batch, block, hash } of blocks) {
      const { gpu: uuid, from, to, readings, packed } = block;
      if (to < cutoff) {
        outcome.tooOld += readings;
        continue;
      }
      const gpu = known.find(uuid) ?? newGpu(batch, uuid);
      const list = seriesLists.idOf(block.series.map((index) => batch.series[index] as Series));
      const fresh = addBucket.run(gpu.id, to, hash, to - from, list, columns).changes !== 0;
      arrivals.add(batch, uuid, fresh);
      if (!fresh) {
        outcome.duplicateBuckets++;
        outcome.duplicateReadings += readings;
        continue;
      }
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

  const learnFacts = (arrivals: Arrivals): void => {
    const before = new Map<KnownGpu, KnownGpu["gpu"]>();
    for (const sighting of arrivals.facts()) {
      const gpu = known.find(sighting.facts.uuid) as KnownGpu;
      const after = afterSighting(gpu.gpu, sighting);
      if (after === gpu.gpu) continue;
      if (!before.has(gpu)) before.set(gpu, gpu.gpu);
      gpu.gpu = after;
    }
    for (const [{ id, gpu }, old] of before) {
      if (sameFacts(gpu, old)) gpus.updateTimes(id, gpu);
      else gpus.update(id, gpu);
    }
  };

  /**
   * Writes the end of an interval once, after the last sighting that extends it, because most sightings only do that.
   */
  const learnHolders = (arrivals: Arrivals): void => {
    for (const [uuid, sightings] of arrivals.holders()) {
      const gpu = known.find(uuid) as KnownGpu;
      let written = gpu.newest?.to;
      const settle = () => {
        if (gpu.newest !== undefined && gpu.newest.to !== written) attributions.extend(gpu, gpu.newest);
      };
      for (const { facts, from, to } of sightings) {
        const sighting: Held = { holder: holderOf(facts), from, to };
        const { newest } = gpu;
        if (newest !== undefined && from >= newest.from && sameHolder(newest.holder, sighting.holder)) {
          if (to > newest.to) gpu.newest = { ...newest, to };
          continue;
        }
        settle();
        if (newest === undefined || from > newest.to) {
          attributions.add(gpu, sighting);
          gpu.newest = sighting;
        } else {
          attributions.insert(gpu, sighting, findTicks(buckets, gpu));
          gpu.newest = attributions.newest(gpu);
        }
        written = gpu.newest?.to;
      }
      settle();
    }
  };

  return (blocks, positions, cutoff) => {
    known.refresh();
    const arrivals = createArrivals();
    const outcome = storeBlocks(blocks, cutoff, arrivals);
    learnFacts(arrivals);
    learnHolders(arrivals);
    for (const { producer, epoch, seq, position } of positions) addPosition.run(producer, epoch, seq, position);
    return outcome;
  };
}
