/** Makes the parts that the store's operations share, and connects them. */
import { BLOCK_SPAN_MS } from "../../../schema/batch/batch.ts";
import { type Buckets, createBuckets } from "./buckets.ts";
import type { Database } from "./database.ts";
import { createEarlierAttributions, type EarlierAttributions } from "./earlier-attributions.ts";
import { createEvidenceTable, type EvidenceTable } from "./evidence-table.ts";
import { createGpuTable, type GpuTable } from "./gpus.ts";
import { createHoldKeeper, type HoldKeeper } from "./hold-keeper.ts";
import { createHolderTable, type HolderTable } from "./holders.ts";
import { createHoldTable, type HoldTable } from "./holds.ts";
import { createInstanceTable } from "./instances.ts";
import { createKnownGpus, type KnownGpus } from "./known-gpus.ts";
import { LONGEST_MS } from "./lookback.ts";
import { createSeriesLists, type SeriesLists } from "./series-lists.ts";
import { createSightingLearner, type SightingLearner } from "./sighting-learner.ts";
import { createSightingsAhead, type SightingsAhead } from "./sightings-ahead.ts";
import { createStaleGpus, type StaleGpus } from "./stale-gpus.ts";
import { createStayTable, type StayTable } from "./stays.ts";

export interface Tables {
  readonly seriesLists: SeriesLists;
  readonly evidenceTable: EvidenceTable;
  readonly buckets: Buckets;
  readonly holders: HolderTable;
  readonly holds: HoldTable;
  readonly stale: StaleGpus;
  readonly earlier: EarlierAttributions;
  readonly gpus: GpuTable;
  readonly stays: StayTable;
  readonly ahead: SightingsAhead;
  readonly keeper: HoldKeeper;
  readonly known: KnownGpus;
  readonly learner: SightingLearner;
  /** Empties all caches. Call after a write that failed. */
  forget(): void;
}

export function createTables(database: Database): Tables {
  const seriesLists = createSeriesLists(database);
  const holders = createHolderTable(database);
  const evidenceTable = createEvidenceTable(database, holders);
  const buckets = createBuckets(database, seriesLists, evidenceTable);
  const holds = createHoldTable(database, holders);
  const instances = createInstanceTable(database);
  const gpus = createGpuTable(database, { holds, instances });
  const stays = createStayTable(database, buckets);
  const stale = createStaleGpus(database);
  const earlier = createEarlierAttributions(database);
  const ahead = createSightingsAhead(database);
  const recentLists = database.prepare("SELECT list FROM gpu_lists WHERE gpu = ? AND newest_hour >= ?");
  const keeper = createHoldKeeper({
    buckets,
    holds,
    stale,
    earlier,
    recentSeriesOf: ({ id }, time) => {
      const lists = recentLists.all(id, time - LONGEST_MS - BLOCK_SPAN_MS);
      return [...new Set(lists.flatMap(([list]) => seriesLists.seriesOf(list as number)))];
    },
  });
  const known = createKnownGpus(database, { gpus, stays, instances, keeper });
  const learner = createSightingLearner({ gpus, instances, stays, ahead, buckets });
  return {
    seriesLists,
    evidenceTable,
    buckets,
    holders,
    holds,
    stale,
    earlier,
    gpus,
    stays,
    ahead,
    keeper,
    known,
    learner,
    forget() {
      known.forget();
      seriesLists.forget();
      evidenceTable.forget();
      holders.forget();
    },
  };
}
